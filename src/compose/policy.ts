import { DEFAULT_POLICY } from "../capabilities/default-policy.ts";
import { capabilities } from "../capabilities/registry.ts";
import { isLoopbackHost } from "../lib/loopback-host.ts";
import { PolicySource } from "../policy/policy-source.ts";
import type { Foundation } from "./foundation.ts";
import { protectedHosts } from "./protected-hosts.ts";

/** The policy of the configuration, which follows its file. Throws PolicyError. */
export function openPolicy({ config, log }: Foundation): PolicySource {
  const policy = new PolicySource({
    file: config.policyFile,
    actions: [...capabilities.keys()],
    defaultPolicy: DEFAULT_POLICY,
    protectedHosts: protectedHosts(config),
    accept: ({ security }) =>
      security.require_signature || isLoopbackHost(config.host)
        ? undefined
        : `security.require_signature is false and HOST is ${config.host}: without signatures the gateway binds loopback only`,
  });
  policy.onReload(({ digest }) => log.info({ policy_digest: digest }, "policy reloaded"));
  policy.onRefused((problem) =>
    log.error({ problem }, "policy file refused; the one before stays"),
  );
  return policy;
}
