import type { HttpDeps } from "./http-deps.ts";
import type { Route } from "./route.ts";
import { createAdminRoutes } from "./routes/admin.ts";
import { createAgentRoutes } from "./routes/agent.ts";
import { createArtifactRoutes } from "./routes/artifacts.ts";
import { createAuditRoutes } from "./routes/audit.ts";
import { createCardRoutes } from "./routes/cards.ts";
import { createConsoleRoutes } from "./routes/console.ts";
import { createControlRoutes } from "./routes/control.ts";
import { createDesktopRoutes } from "./routes/desktops.ts";
import { createDocsRoutes } from "./routes/docs.ts";
import { createEventRoutes } from "./routes/events.ts";
import { createGrantRoutes } from "./routes/grants.ts";
import { createKeyRoutes } from "./routes/keys.ts";
import { createMcpRoutes } from "./routes/mcp.ts";
import { createPeopleRoutes } from "./routes/people.ts";
import { createServiceRoutes } from "./routes/service.ts";
import { createSessionRoutes } from "./routes/session.ts";
import { createStepUpRoutes } from "./routes/step-up.ts";
import { createTaskRoutes } from "./routes/tasks.ts";
import { createToolRoutes } from "./routes/tools.ts";
import { createWebhookRoutes } from "./routes/webhooks.ts";

/** Every route there is, in the order of the API's description. */
export function createRoutes(deps: HttpDeps): readonly Route[] {
  const routes: readonly Route[] = [
    ...createTaskRoutes(deps),
    ...createStepUpRoutes(deps),
    ...createAgentRoutes(deps),
    ...createGrantRoutes(deps),
    ...createArtifactRoutes(deps),
    ...createConsoleRoutes(),
    ...createToolRoutes(deps),
    ...createCardRoutes(deps),
    ...createMcpRoutes(deps),
    ...createDesktopRoutes(deps),
    ...createEventRoutes(deps),
    ...createControlRoutes(deps),
    ...createAuditRoutes(deps),
    ...createKeyRoutes(deps),
    ...createAdminRoutes(deps),
    ...createWebhookRoutes(deps),
    ...createSessionRoutes(deps),
    ...createPeopleRoutes(deps),
    ...createServiceRoutes(deps),
    ...createDocsRoutes(deps, () => routes),
  ];
  return routes;
}
