import { Link } from "wouter";
import { TaskDetail } from "./task-detail.tsx";

export function TaskPage({ id, me }: { id: string; me: string }) {
  return (
    <div className="page narrow">
      <p className="back">
        <Link href="/console">← Inbox</Link>
      </p>
      <TaskDetail key={id} id={id} me={me} />
    </div>
  );
}
