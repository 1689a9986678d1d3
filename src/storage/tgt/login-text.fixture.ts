/** How a raw initiator logs in. */
export interface RawLogin {
  port: number;
  host?: string;
  localAddress?: string;
  name?: string;
  alias?: string;
  target?: string;
  digest?: boolean;
  discovery?: boolean;
  /** Pairs behind the usual ones, whatever they say. */
  more?: readonly string[];
  /** The session to join, and the name it was opened under; a new one when left out. */
  joins?: { isid: Uint8Array; tsih: number; cmdSN: number };
}

/** What it says of itself and asks for: everything at once, in the operational stage; `security` is what comes before. */
export function loginText(login: RawLogin, security = false): Uint8Array {
  const { name = 'iqn.2026-11.example.arbiter:a', alias, digest = false, discovery = false } = login;
  const { target = 'iqn.2026-11.example.arbiter:storage' } = login;
  const operational = [
    `HeaderDigest=${digest ? 'CRC32C' : 'None'}`,
    `DataDigest=${digest ? 'CRC32C' : 'None'}`,
    'InitialR2T=No',
    'ImmediateData=Yes',
    'FirstBurstLength=262144',
    'MaxBurstLength=1048576',
    'MaxRecvDataSegmentLength=262144',
  ];
  const pairs = [
    `InitiatorName=${name}`,
    ...(alias === undefined ? [] : [`InitiatorAlias=${alias}`]),
    `SessionType=${discovery ? 'Discovery' : 'Normal'}`,
    ...(discovery ? [] : [`TargetName=${target}`]),
    ...(security ? ['AuthMethod=None'] : operational),
    ...(login.more ?? []),
  ];
  return Buffer.from(pairs.map((pair) => `${pair}\0`).join(''));
}
