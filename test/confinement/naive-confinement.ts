import { closeSync, constants, fstatSync, mkdirSync, openSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../../src/contract/errors.ts";
import type {
  Confinement,
  WorldDirectory,
  WorldFile,
} from "../../src/drivers/embedded/confined-path.ts";

/**
 * The confinement everybody writes first: resolve the path, check that it lies inside, then use it.
 * What lies between the check and the use is what the race test must be seen to find.
 */
export function naiveConfinement(root: string): Confinement {
  const inside = (path: string): string => {
    const real = realpathSync(path);
    if (real === root || real.startsWith(`${root}/`)) return real;
    throw new GatewayError("path_not_allowed", `${path} leads outside`);
  };
  return {
    openDirectory(path: string, made?: (path: string) => void): WorldDirectory {
      if (made !== undefined) mkdirSync(join(root, path), { recursive: true });
      const real = inside(join(root, path));
      return { self: real, at: (name) => join(real, name), [Symbol.dispose]: () => {} };
    },
    openFile(directory: WorldDirectory, name: string): WorldFile | undefined {
      const fd = openSync(inside(directory.at(name)), constants.O_RDONLY);
      const stats = fstatSync(fd, { bigint: true });
      return { fd, stats, [Symbol.dispose]: () => closeSync(fd) };
    },
    [Symbol.dispose]: () => {},
  };
}
