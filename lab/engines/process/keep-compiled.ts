import { flushCompileCache } from 'node:module';

// Loaded first by every member. Node writes its compile cache when it ends by itself, and a server of a lab is killed.
setTimeout(flushCompileCache, 1500).unref();
