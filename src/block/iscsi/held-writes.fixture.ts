import { execFile } from 'node:child_process';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Loaded before libc: a write to a file waits for as long as a file with the name in HOLD_WRITES exists. */
const source = `
extern char *getenv(const char *); extern int access(const char *, int); extern int usleep(unsigned);
extern void *dlsym(void *, const char *); extern long write(int, const void *, unsigned long);
extern int open(const char *, int, ...); extern int close(int);
typedef long (*writer)(int, const void *, unsigned long, long);
static long held(const char *name, int fd, const void *from, unsigned long length, long offset) {
  char *hold = getenv("HOLD_WRITES");
  int told = hold ? open(hold, 02001) : -1; /* O_WRONLY | O_APPEND */
  if (told >= 0) { write(told, "w", 1); close(told); }
  while (hold && access(hold, 0) == 0) usleep(2000);
  return ((writer)dlsym((void *)-1L, name))(fd, from, length, offset);
}
long pwrite(int fd, const void *from, unsigned long length, long offset) { return held("pwrite", fd, from, length, offset); }
long pwrite64(int fd, const void *from, unsigned long length, long offset) { return held("pwrite64", fd, from, length, offset); }
`;

/**
 * What a program's writes to its files wait for, so that what is queued in it stays there until a test lets it go. Needs a C
 * compiler, and no headers.
 */
export class HeldWrites {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  static async make(folder: string): Promise<HeldWrites> {
    const code = join(folder, 'held-writes.c');
    const library = join(folder, 'held-writes.so');
    await writeFile(code, source);
    await promisify(execFile)('gcc', ['-shared', '-fPIC', '-nostdlib', '-o', library, code]);
    return new HeldWrites(join(folder, 'hold'), library);
  }

  private constructor(file: string, library: string) {
    this.#file = file;
    this.env = { LD_PRELOAD: library, HOLD_WRITES: file };
  }

  hold(): Promise<void> {
    return writeFile(this.#file, '');
  }

  /** Resolves when so many wait. */
  async waiting(writes: number): Promise<void> {
    while ((await stat(this.#file)).size < writes) await pause(2);
  }

  letGo(): Promise<void> {
    return rm(this.#file, { force: true });
  }
}
