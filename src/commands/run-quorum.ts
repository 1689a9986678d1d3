import { setTimeout as delay } from 'node:timers/promises';
import type { AgentConfig } from '../config/agent-config.ts';
import { type BlockDevice, OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import type { Journal } from '../ports/journal.ts';
import type { Header, NodeSlot, Reading } from '../protocol/types.ts';
import { openDevice, readArea, readHeader, unusable } from './area-access.ts';
import { CommandError, EXIT } from './errors.ts';

/** The quorum area, opened, with what its header says and the slot that is this server's. */
export interface OpenQuorum {
  device: BlockDevice;
  header: Header;
  index: number;
}

/** Between two attempts: T is not known yet. */
const RETRY_MS = 1000;

/**
 * Opens the quorum area, trying for as long as its storage does not answer: a server may well be up before its storage,
 * or come back while that is down. Undefined when `given up` came first. Throws CommandError or DeviceUnusable for an
 * area that no agent can work with, and for one that has no slot for this server.
 */
export async function openQuorum(
  config: AgentConfig,
  journal: Journal,
  givenUp: Promise<unknown>,
): Promise<OpenQuorum | undefined> {
  let isGivenUp = false;
  const giveUp = givenUp.then(() => void (isGivenUp = true));
  for (let failures = 0; ; failures += 1) {
    try {
      const opened = await Promise.race([tryToOpen(config), giveUp]);
      if (opened !== undefined && failures > 0) {
        journal.write({ event: 'blind', healed: true, reason: 'the storage answers', failures });
      }
      return opened;
    } catch (error) {
      if (!(error instanceof RequestFailed || error instanceof OutcomeUnknown)) throw error;
      if (failures === 0)
        journal.write({ event: 'blind', healed: false, reason: error.message, failures: 1 });
    }
    await Promise.race([delay(RETRY_MS), giveUp]);
    if (isGivenUp) return undefined;
  }
}

async function tryToOpen(config: AgentConfig): Promise<OpenQuorum> {
  await using cleanUp = new AsyncDisposableStack();
  const device = cleanUp.use(await openDevice(config.quorum, { node: config.node, alias: 'quorum' }));
  if (device.readOnly) throw unusable(device, 'the export is read-only; an agent writes its own slot');
  const header = await readHeader(device);
  if (config.cluster !== undefined && header.clusterId !== config.cluster) {
    throw unusable(
      device,
      `an area of another cluster: ${header.clusterId}, and the file says ${config.cluster}`,
    );
  }
  if (header.mode !== 'plain') {
    throw unusable(device, `laid out for compare-and-write (mode ${header.mode}), which is not supported`);
  }
  if (header.sectorBytes < device.sectorBytes) {
    const sizes = `sectors of ${header.sectorBytes} bytes, and the device writes ${device.sectorBytes} at a time`;
    throw unusable(device, `laid out in ${sizes}; a torn write would damage its neighbours`);
  }
  const { slots } = await readArea(device, header);
  const index = ownSlot(config, device, slots);
  cleanUp.move();
  return { device, header, index };
}

function ownSlot({ node }: AgentConfig, device: BlockDevice, slots: readonly Reading<NodeSlot>[]): number {
  const index = slots.findIndex((slot) => slot.kind === 'valid' && slot.value.node === node);
  if (index >= 0) return index;
  const damaged = slots.flatMap((slot, i) =>
    slot.kind === 'damaged' ? [`slot ${i} is damaged (${slot.why})`] : [],
  );
  if (damaged.length > 0) {
    throw unusable(device, `no slot is called ${node}, and ${damaged.join(', ')}`);
  }
  const names = slots.flatMap((slot) => (slot.kind === 'valid' ? [slot.value.node] : []));
  throw new CommandError(
    `node: '${node}': no slot of ${device.name} is called so; there are ${names.join(', ')}`,
    EXIT.usage,
  );
}
