import { NbdConnection } from '../block/nbd/connection.ts';
import type { NbdAddress } from '../block/uri-nbd.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import type { AccessOutcome, DataAccess } from '../ports/data-access.ts';
import { type Claimant, dataExport, dataUri } from './data-export.ts';

/**
 * The data area behind a gate. Access is a connection that the gate let in under the own epoch: it is kept for as long
 * as the access is wanted, and its end is the first sign of having been shut out. No request is ever made on it.
 */
export class GateAccess implements DataAccess {
  readonly fencing = 'gate';
  readonly #address: NbdAddress;
  readonly #claimant: Claimant;
  #connection: NbdConnection | undefined;
  /** Raised by whatever makes an attempt under way pointless. */
  #attempt = 0;
  #onLost: (epoch: number, reason: string) => void = () => {};

  constructor(address: NbdAddress, claimant: Claimant) {
    this.#address = address;
    this.#claimant = claimant;
  }

  uriFor(epoch: number): string {
    return dataUri(this.#address, this.#claimant, epoch);
  }

  onLost(listener: (epoch: number, reason: string) => void): void {
    this.#onLost = listener;
  }

  async obtain(epoch: number, deadlineMs: number): Promise<AccessOutcome> {
    void this.giveUp();
    const attempt = this.#attempt;
    const exportName = dataExport(this.#claimant, epoch);
    try {
      const connection = await NbdConnection.open({ address: this.#address, exportName, deadlineMs });
      if (attempt !== this.#attempt) {
        void connection.close();
        return { kind: 'failed', reason: 'given up before it was granted' };
      }
      this.#hold(connection, epoch);
      return { kind: 'granted' };
    } catch (error) {
      const { message: reason } = error as Error;
      if (!(error instanceof DeviceUnusable)) return { kind: 'failed', reason };
      return { kind: 'refused', grantedEpoch: error.grantedEpoch, reason };
    }
  }

  async giveUp(): Promise<void> {
    this.#attempt += 1;
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.giveUp();
  }

  #hold(connection: NbdConnection, epoch: number): void {
    this.#connection = connection;
    connection.onClosed((reason) => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#onLost(epoch, reason);
    });
  }
}
