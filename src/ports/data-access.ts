/**
 * Who keeps former owners out of the data area. `gate`: an NBD gate decides by export name. `reservation`: the unit's own
 * target, by a persistent reservation. `none`: nobody; needs `unsafe: true`.
 */
export type Fencing = 'gate' | 'reservation' | 'none';

/** In the agent's state directory: where a service finds a data area that it cannot talk to itself. */
export const DATA_SOCKET_NAME = 'data.sock';

/** The data area's permission (R7): taken away from every older epoch at the storage node before it is granted. */
export interface DataAccess extends AsyncDisposable {
  readonly fencing: Fencing;
  /** Where the service finds the data area under this epoch. */
  uriFor(epoch: number): string;
  /** One attempt; never rejects. */
  obtain(epoch: number, deadlineMs: number): Promise<AccessOutcome>;
  /** Stops using the data area. */
  giveUp(): Promise<void>;
  /** Called when granted access ends without `giveUp`. */
  onLost(listener: (epoch: number, reason: string) => void): void;
}

export type AccessOutcome =
  | { kind: 'granted' }
  | { kind: 'refused'; grantedEpoch: number | undefined; reason: string }
  | { kind: 'failed'; reason: string };
