/**
 * A doctor does not do what it was asked to. `usage`: it was asked for what can never be (exit code 64). `storage`: the
 * storage is in a state that forbids it (3).
 */
export class DoctorRefuses extends Error {
  override readonly name = 'DoctorRefuses';
  readonly exitCode: number;
  constructor(message: string, because: 'usage' | 'storage') {
    super(message);
    this.exitCode = because === 'usage' ? 64 : 3;
  }
}
