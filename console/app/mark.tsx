/** The gateway's sign: a plan that was looked at. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 16.5l5 5L23.5 11" />
    </svg>
  );
}
