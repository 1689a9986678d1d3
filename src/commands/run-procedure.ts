import type { Procedure } from '../agent/setup.ts';

/** The arbitration itself, loaded when it is known which one. */
export async function procedureFor(protocol: 'safe' | 'literal'): Promise<Procedure<unknown>> {
  if (protocol === 'literal') {
    const { literalInitialState, literalSummary } = await import('../protocol/literal/state.ts');
    const { literalStep } = await import('../protocol/literal/step.ts');
    return {
      initialState: literalInitialState,
      step: literalStep,
      summary: literalSummary,
    };
  }
  const { initialState } = await import('../protocol/state.ts');
  const { step } = await import('../protocol/step.ts');
  const { summary } = await import('../protocol/summary.ts');
  return { initialState, step, summary };
}
