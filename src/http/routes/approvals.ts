import { createHash } from "node:crypto";
import Type from "typebox";
import { TaskId } from "../../contract/task.ts";
import { type Route, route } from "../route.ts";

const STYLE = `
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }
pre { padding: .8rem 1rem; border: 1px solid #8888; border-radius: .4rem; overflow-x: auto }
`;
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Where `confirmation.url` leads: how to decide. The page is the same whether the task exists or not. */
export function createApprovalRoutes(): Route[] {
  return [
    route({
      method: "GET",
      path: "/approvals/{task_id}",
      operationId: "approvalPage",
      summary: "How an approver decides on a plan (page)",
      description: "Shows nothing of the plan and gives no right. Opening it never decides.",
      tag: "Tasks",
      access: "open",
      anyQuery: true,
      params: Type.Object({ task_id: TaskId }),
      missing: "not_found",
      answers: { 200: { description: "A page.", mediaType: "text/html" } },
      errors: ["not_found"],
      handle: async ({ params, reply }) => {
        reply.headers({
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": POLICY,
        });
        return reply.send(page(params.task_id));
      },
    }),
  ];
}

/** The id has passed its pattern: letters, digits, `_` and `-` only. */
function page(taskId: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Decide on a plan – ByteBot Gateway</title>
<style>${STYLE}</style>
<h1>A plan waits for your decision</h1>
<p>Nothing is shown or decided on this page. Decide on the command line, where the approver's
secret is set (<code>APPROVER_SECRET</code> or <code>APPROVER_SECRET_FILE</code>):</p>
<pre>npm run -s gateway -- approve ${taskId}</pre>
<p>It shows the whole plan first and asks before anything happens. To turn the plan down:</p>
<pre>npm run -s gateway -- reject ${taskId}</pre>
<p>Where the gateway is installed as a package, <code>bytebot-gateway approve</code> and
<code>bytebot-gateway reject</code> do the same. A plan that nobody decides on expires by itself.</p>
</html>
`;
}
