/** Numbers that are looked at together. */
export function Tiles({
  tiles,
}: {
  tiles: readonly {
    readonly name: string;
    readonly value: string | number;
    readonly warns?: boolean;
  }[];
}) {
  return (
    <dl className="tiles">
      {tiles.map(({ name, value, warns = false }) => (
        <div key={name} className={warns ? "tile warns" : "tile"}>
          <dt>{name}</dt>
          <dd>{typeof value === "number" ? value.toLocaleString() : value}</dd>
        </div>
      ))}
    </dl>
  );
}
