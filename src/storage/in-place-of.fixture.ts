import { syncBuiltinESMExports } from 'node:module';

/** Puts something in the place of one of Node's functions, for modules that imported it too. */
export function inPlaceOf<O extends object, K extends keyof O>(
  of: O,
  name: K,
  by: (real: O[K]) => O[K],
): Disposable {
  const real = of[name];
  of[name] = by(real);
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]() {
      of[name] = real;
      syncBuiltinESMExports();
    },
  };
}
