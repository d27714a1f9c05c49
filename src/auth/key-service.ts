import type {
  CreateKeyRequest,
  KeyView,
  NewKeyView,
  RotateKeyRequest,
} from "../contract/operate.ts";
import type { Principal } from "../contract/principal.ts";
import type { KeySource } from "./key-source.ts";
import type { ManagedKey } from "./key-store.ts";
import type { KeyUse } from "./key-use.ts";
import { listKeys, viewManaged } from "./list-keys.ts";
import type { ManagedKeys } from "./managed-keys.ts";

export interface KeyServiceOptions {
  readonly source: KeySource;
  readonly managed: ManagedKeys;
  readonly use: KeyUse;
}

/** What an operator does with keys. Errors are those of ManagedKeys. */
export class KeyService {
  readonly #options: KeyServiceOptions;

  constructor(options: KeyServiceOptions) {
    this.#options = options;
  }

  list(): KeyView[] {
    const { source, managed, use } = this.#options;
    return listKeys({ ring: source.ring, managed, shadowed: source.shadowed, use });
  }

  async create(by: Principal, request: CreateKeyRequest): Promise<NewKeyView> {
    return this.#told(await this.#options.managed.create(by, request));
  }

  async rotate(by: Principal, id: string, request: RotateKeyRequest): Promise<NewKeyView> {
    return this.#told(await this.#options.managed.rotate(by, id, request));
  }

  revoke(by: Principal, id: string): Promise<void> {
    return this.#options.managed.revoke(by, id);
  }

  #told({ key, token }: { key: ManagedKey; token: string }): NewKeyView {
    const { source, use } = this.#options;
    return { id: key.id, token, key: viewManaged(key, source.shadowed.get(key.id), use) };
  }
}
