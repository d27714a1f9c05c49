/** The desktops, or one of them. */
export function DesktopsPage({ name }: { name: string | undefined }) {
  return (
    <div className="page">
      <header className="page-head">
        <h1>{name ?? "Desktops"}</h1>
      </header>
    </div>
  );
}
