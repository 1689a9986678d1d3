import { Chap } from './chap.ts';
import { ISCSI_LIMIT, STAGE } from './constants.ts';
import { encodeInitiatorHeader } from './initiator-pdu.ts';
import { STATUS_CLASS, statusText } from './login-status.ts';
import type { Numbering } from './numbering.ts';
import { OperationalNegotiation } from './operational.ts';
import type { InitiatorOptions } from './options.ts';
import { type Broken, broken, type InitiatorOutcome } from './outcome.ts';
import { isKey, numberOf, offersOf } from './parameters.ts';
import { noDigests, sealed } from './pdu.ts';
import { sessionParameters } from './session-parameters.ts';
import { serialNext } from './serial.ts';
import type { TargetPdu } from './target-pdu.ts';
import { encodeText, type Pair, quoted, TextInput } from './text.ts';

type LoginResponse = TargetPdu & { kind: 'login' };
type Reply = { pairs: Pair[]; transit: boolean } | InitiatorOutcome;

/** The task tag of all requests of a login. */
const loginTag = 0;
/** Declared by the target in either stage, and of no consequence for what may be sent. */
const told = new Set(['TargetAlias', 'TargetAddress', 'TargetPortalGroupTag']);

/** The login of the leading connection of a session (RFC 7143, section 6.3): security, then parameters. */
export class Login {
  readonly #options: InitiatorOptions;
  readonly #numbering: Numbering;
  readonly #offers: ReturnType<typeof offersOf>;
  readonly #operational: OperationalNegotiation;
  readonly #text = new TextInput();
  /** Everything the target has said, for what is said twice. */
  readonly #said = new Map<string, string>();
  #stage: number = STAGE.SECURITY;
  #chap: Chap | undefined;
  /** The security stage has nothing left to do. */
  #secure = false;
  #transit = false;
  #requests = 0;

  constructor(options: InitiatorOptions, numbering: Numbering) {
    this.#options = options;
    this.#numbering = numbering;
    this.#offers = offersOf(options);
    this.#operational = new OperationalNegotiation(this.#offers);
  }

  /** For texts. */
  get phase(): string {
    if (this.#stage === STAGE.OPERATIONAL) return 'login, operational negotiation';
    return this.#chap === undefined ? 'login, security negotiation' : 'login, CHAP';
  }

  get heldBytes(): number {
    return this.#text.heldBytes;
  }

  begin(): readonly Uint8Array[] {
    const { initiatorName, initiatorAlias, targetName, chap } = this.#options;
    const pairs: Pair[] = [['InitiatorName', initiatorName]];
    if (initiatorAlias !== undefined) pairs.push(['InitiatorAlias', initiatorAlias]);
    pairs.push(['SessionType', targetName === '' ? 'Discovery' : 'Normal']);
    if (targetName !== '') pairs.push(['TargetName', targetName]);
    pairs.push(['AuthMethod', this.#methods]);
    return this.#request(pairs, chap === undefined);
  }

  /** A target that is to prove itself is not let off. */
  get #methods(): string {
    const { chap } = this.#options;
    if (chap === undefined) return 'None';
    return chap.target === undefined ? 'CHAP,None' : 'CHAP';
  }

  /** Takes the target's next response. */
  step(pdu: LoginResponse): InitiatorOutcome {
    const wrong = this.#headerProblem(pdu);
    if (wrong !== undefined) return this.#broken(wrong);
    this.#numbering.expStatSN = serialNext(pdu.statSN);
    this.#numbering.takeWindow(pdu.expCmdSN, pdu.maxCmdSN);
    const tooLong = this.#text.push(pdu.data);
    if (tooLong !== undefined) return this.#broken(tooLong);
    if (pdu.statusClass !== STATUS_CLASS.SUCCESS) return this.#turnedAway(pdu);
    if (pdu.currentStage !== this.#stage)
      return this.#broken(`a response of stage ${pdu.currentStage} to a request of stage ${this.#stage}`);
    if (pdu.continued) {
      if (pdu.transit) return this.#broken('a response that both goes on and ends the stage');
      // An empty request, whose wish to go on still stands.
      return this.#send([], this.#transit);
    }
    const pairs = this.#text.take();
    if (typeof pairs === 'string') return this.#broken(pairs);
    const reply = this.#reply(pairs);
    if ('kind' in reply) return reply;
    return pdu.transit ? this.#advance(pdu) : this.#send(reply.pairs, reply.transit);
  }

  #headerProblem(pdu: LoginResponse): string | undefined {
    if (pdu.tag !== loginTag) return `a response with tag 0x${pdu.tag.toString(16)}, the request had 0`;
    if (pdu.versionActive !== 0 && pdu.statusClass === STATUS_CLASS.SUCCESS)
      return `version ${pdu.versionActive} of iSCSI, this initiator speaks version 0`;
    return undefined;
  }

  #turnedAway(pdu: LoginResponse): InitiatorOutcome {
    const { statusClass, statusDetail } = pdu;
    if (statusClass !== STATUS_CLASS.REDIRECTION) {
      const text = `${this.phase}: ${statusText(statusClass, statusDetail, this.#options.chap?.user)}`;
      return { kind: 'refused', phase: this.phase, statusClass, statusDetail, text };
    }
    const pairs = this.#text.take();
    const address = typeof pairs === 'string' ? '' : (new Map(pairs).get('TargetAddress') ?? '');
    if (address === '') return this.#broken('a redirection without a TargetAddress');
    const permanent = statusDetail === 2;
    const forGood = permanent ? 'for good' : 'for now';
    const text = `${this.phase}: the target has moved ${forGood} to ${quoted(address)}`;
    return { kind: 'redirected', address, permanent, text };
  }

  /** What is to be said to these keys. */
  #reply(pairs: readonly Pair[]): Reply {
    const answers: Pair[] = [];
    for (const [key, value] of pairs) {
      const before = this.#said.get(key);
      if (before !== undefined && before !== value)
        return this.#broken(`${key}=${quoted(value)} after ${key}=${quoted(before)}`);
      this.#said.set(key, value);
      if (before !== undefined || told.has(key)) continue;
      const taken = this.#take(key, value);
      if (typeof taken === 'string') return this.#broken(taken);
      if (taken.answer !== undefined) answers.push(taken.answer);
      if (answers.length > ISCSI_LIMIT.unknownKeys)
        return this.#broken(`more than ${ISCSI_LIMIT.unknownKeys} keys that nobody knows`);
    }
    return this.#stage === STAGE.SECURITY
      ? this.#secured(new Map(pairs), answers)
      : { pairs: answers, transit: true };
  }

  #take(key: string, value: string): { answer?: Pair } | string {
    const ofSecurity = key === 'AuthMethod' || key.startsWith('CHAP_');
    if (this.#stage === STAGE.OPERATIONAL)
      return ofSecurity ? `${key} after the security negotiation` : this.#operational.take(key, value);
    if (isKey(key)) return `${key} in the security negotiation`;
    if (key.startsWith('CHAP_') && this.#chap === undefined) return `${key} before any CHAP was agreed to`;
    return ofSecurity ? {} : { answer: [key, 'NotUnderstood'] };
  }

  #secured(pairs: ReadonlyMap<string, string>, answers: Pair[]): Reply {
    if (this.#secure) return { pairs: answers, transit: true };
    if (this.#chap !== undefined) return this.#challenged(pairs, answers);
    const method = pairs.get('AuthMethod');
    const { chap } = this.#options;
    if (method === 'CHAP' && chap !== undefined) {
      this.#chap = new Chap(chap, this.#options);
      return { pairs: [...answers, ...this.#chap.opening], transit: false };
    }
    if (method === 'Reject') return this.#unfit(`the target has none of AuthMethod=${this.#methods}`);
    if (method !== undefined && method !== 'None')
      return this.#broken(`AuthMethod=${quoted(method)} in answer to AuthMethod=${this.#methods}`);
    if (chap?.target !== undefined)
      return this.#unfit('the target does without CHAP, it was to prove itself');
    this.#secure = true;
    return { pairs: answers, transit: true };
  }

  #challenged(pairs: ReadonlyMap<string, string>, answers: Pair[]): Reply {
    const step = this.#chap!.step(pairs);
    switch (step.kind) {
      case 'send':
        return { pairs: [...answers, ...step.pairs], transit: true };
      case 'done':
        this.#secure = true;
        return { pairs: answers, transit: true };
      case 'distrust':
        return this.#unfit(step.text);
      default:
        return this.#broken(step.text);
    }
  }

  #advance(pdu: LoginResponse): InitiatorOutcome {
    const next = this.#stage === STAGE.SECURITY ? STAGE.OPERATIONAL : STAGE.FULL_FEATURE;
    if (!this.#transit) return this.#broken('it ends the stage, which it was not asked to');
    if (pdu.nextStage !== next)
      return this.#broken(`it goes on to stage ${pdu.nextStage}, ${next} was asked for`);
    if (next === STAGE.OPERATIONAL) {
      this.#stage = next;
      return this.#send(this.#operational.offers, true);
    }
    if (pdu.tsih === 0) return this.#broken('it gives the session no handle (TSIH 0)');
    const missing = this.#operational.missingDigest;
    if (missing !== undefined) return this.#unfit(`the target has no ${missing}=CRC32C, which is required`);
    const ours = { maxReceiveSegmentBytes: this.#offers.get('MaxRecvDataSegmentLength') as number };
    const session = sessionParameters(this.#operational, ours, {
      targetPortalGroupTag: numberOf(this.#said.get('TargetPortalGroupTag') ?? ''),
      targetAlias: this.#said.get('TargetAlias'),
      tsih: pdu.tsih,
    });
    return { kind: 'ready', session };
  }

  #send(pairs: readonly Pair[], transit: boolean): InitiatorOutcome {
    if (this.#requests >= ISCSI_LIMIT.loginRequests)
      return this.#broken(`it comes to no end in ${ISCSI_LIMIT.loginRequests} requests`);
    return { kind: 'send', pieces: this.#request(pairs, transit) };
  }

  #request(pairs: readonly Pair[], transit: boolean): readonly Uint8Array[] {
    this.#requests += 1;
    this.#transit = transit;
    const next = this.#stage === STAGE.SECURITY ? STAGE.OPERATIONAL : STAGE.FULL_FEATURE;
    const data = encodeText(pairs);
    const header = encodeInitiatorHeader({
      kind: 'login',
      immediate: true,
      tag: loginTag,
      cmdSN: this.#numbering.cmdSN,
      expStatSN: this.#numbering.expStatSN,
      transit,
      continued: false,
      currentStage: this.#stage,
      nextStage: transit ? next : this.#stage,
      versionMax: 0,
      versionMin: 0,
      isid: this.#options.isid,
      tsih: 0,
      connection: 0,
      data,
    });
    return sealed(header, data, noDigests);
  }

  #unfit(what: string): InitiatorOutcome {
    const { phase } = this;
    return { kind: 'refused', phase, statusClass: 0, statusDetail: 0, text: `${phase}: ${what}` };
  }

  #broken(what: string): Broken {
    return broken(`${this.phase}: ${what}`);
  }
}
