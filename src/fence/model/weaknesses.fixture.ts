import { RESERVATION_TYPE } from '../../ports/reservable-unit.ts';
import type { Manners } from './server.fixture.ts';
import type { Plan } from './world.fixture.ts';

interface Weakness {
  manners: Manners;
  /** A violation that shows it. */
  breaks: RegExp;
  /** In which worlds it can show. */
  world?: Partial<Plan>;
}

/**
 * W16 of PROTOCOL.md and what else comes to mind, each made from outside: the port lies to the procedure, or the server
 * does what it should not, and nothing in the product knows about it.
 */
export const weaknesses: Readonly<Record<string, Weakness>> = {
  'registered is taken for holding': {
    breaks: /^a write of epoch/,
    manners: {
      through: (port, key) => ({
        ...port,
        readKeys: async () => ({ generation: 1, keys: [key] }),
        readReservation: async () => ({ key, type: RESERVATION_TYPE.exclusiveAccess }),
      }),
    },
  },
  'preempts upwards': {
    breaks: /^epoch \d+ preempted epoch/,
    manners: {
      through: (port, own) => {
        const made = new Map<bigint, bigint>();
        const asOlder = (key: bigint) => {
          if (BigInt.asUintN(48, key) <= BigInt.asUintN(48, own)) return key;
          const older = (key >> 48n) << 48n;
          made.set(older, key);
          return older;
        };
        return {
          ...port,
          readKeys: async (deadlineMs) => {
            const { generation, keys } = await port.readKeys(deadlineMs);
            return { generation, keys: keys.map(asOlder) };
          },
          readReservation: async (deadlineMs) => {
            const reservation = await port.readReservation(deadlineMs);
            return reservation && { ...reservation, key: asOlder(reservation.key) };
          },
          preempt: (key, victim, ...rest) => port.preempt(key, made.get(victim) ?? victim, ...rest),
        };
      },
    },
  },
  'takes a path back without looking who holds the unit': {
    breaks: /^a write of epoch/,
    world: { paths: 2 },
    manners: {
      join: async (port, key) => {
        // The first command of a session is told of a reset instead of being carried out.
        await port.registerKey(key, 0).catch(() => port.registerKey(key, 0));
        return true;
      },
    },
  },
  'gives up by unregistering': {
    breaks: /^a write of epoch/,
    manners: { giveUp: (session) => void session.port.registerKey(0n, 0).catch(() => {}) },
  },
  'waits for nothing after PREEMPT': {
    breaks: /^a write of epoch/,
    manners: {
      through: (port) => ({
        ...port,
        supportsPreemptAndAbort: async () => false,
        resetLogicalUnit: async () => {},
      }),
    },
  },
  'trusts PREEMPT AND ABORT alone': {
    breaks: /^a write of epoch/,
    world: { hasAbort: true },
    manners: { through: (port) => ({ ...port, resetLogicalUnit: async () => {} }) },
  },
};
