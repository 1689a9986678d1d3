import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a small file whole, durably: after a crash it is the old text or the new one. Rejects with the system's error. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  // The file's bytes are on the disk; its name is so only when its directory is.
  await syncDirectory(dirname(path));
}

export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
