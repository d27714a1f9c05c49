const SHAPES = {
  inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1.5 3h3L15 13h5",
  tasks: "M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01",
  allowed: "M12 7v5l3 2M12 3a9 9 0 1 1-.01 0",
  desktops: "M3 5h18v12H3zM8 21h8M12 17v4",
  operate: "M4 7h9m5 0h2M4 17h2m5 0h9M15 4v6M9 14v6",
  account: "M12 12a4 4 0 1 0-.01 0M4 21c1-4 4-6 8-6s7 2 8 6",
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}
