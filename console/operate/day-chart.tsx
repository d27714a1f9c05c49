import { useId } from "react";
import { TablePlace } from "./table-place.tsx";

export interface Series {
  /** Names its colour in the style sheet. */
  readonly id: string;
  readonly name: string;
}

export interface ChartDay {
  /** YYYY-MM-DD */
  readonly day: string;
  /** One for each series. */
  readonly values: readonly number[];
}

interface Props {
  readonly title: string;
  readonly series: readonly Series[];
  /** Oldest first. */
  readonly days: readonly ChartDay[];
}

const HEIGHT = 100;
const WIDTH = 10;
const GAP = 2;

/**
 * Stacked bars, one for each day, and the same numbers as a table.
 *
 * Drawn by hand: these few rectangles need no chart library, each of which would weigh more than
 * the rest of the page, and most of which set styles inline, which the page's policy forbids.
 */
export function DayChart({ title, series, days }: Props) {
  const id = useId();
  const totals = days.map(({ values }) => sum(values));
  const top = ceiling(Math.max(0, ...totals));
  const shown = series.map((entry, index) => ({
    ...entry,
    total: sum(days.map(({ values }) => values[index] ?? 0)),
  }));
  const words = shown.map(({ name, total }) => `${name} ${total}`).join(", ");
  return (
    <figure className="chart" aria-labelledby={`${id}-title`}>
      <figcaption>
        <h2 id={`${id}-title`}>{title}</h2>
        <ul className="legend">
          {shown.map(({ id: colour, name, total }) => (
            <li key={colour}>
              <svg className="swatch" viewBox="0 0 10 10" aria-hidden="true">
                <rect className={`series ${colour}`} width="10" height="10" />
              </svg>
              {name} <strong>{total.toLocaleString()}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div className="plot">
        <div className="scale" aria-hidden="true">
          <span>{top.toLocaleString()}</span>
          <span>{(top / 2).toLocaleString()}</span>
          <span>0</span>
        </div>
        <svg
          role="img"
          aria-labelledby={`${id}-title`}
          aria-describedby={`${id}-words`}
          viewBox={`0 0 ${days.length * WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
        >
          <title>{title}</title>
          <desc id={`${id}-words`}>{`${words}. The table below has every day.`}</desc>
          {[0, HEIGHT / 2, HEIGHT].map((y) => (
            <line key={y} className="grid" x1="0" x2={days.length * WIDTH} y1={y} y2={y} />
          ))}
          {days.map((day, index) => (
            <Bar key={day.day} day={day} x={index * WIDTH} top={top} series={series} />
          ))}
        </svg>
        <div className="days" aria-hidden="true">
          <span>{dayName(days[0]?.day)}</span>
          <span>{dayName(days.at(-1)?.day)}</span>
        </div>
      </div>
      <details>
        <summary>As a table</summary>
        <Numbers title={title} series={series} days={days} />
      </details>
    </figure>
  );
}

function Bar({
  day: { day, values },
  x,
  top,
  series,
}: {
  day: ChartDay;
  x: number;
  top: number;
  series: readonly Series[];
}) {
  let below = 0;
  const pieces = series.flatMap(({ id, name }, index) => {
    const value = values[index] ?? 0;
    if (value === 0) return [];
    const height = (value / top) * HEIGHT;
    below += height;
    return [{ id, words: `${name} ${value}`, y: HEIGHT - below, height }];
  });
  return (
    <g>
      <title>{`${dayName(day)}: ${pieces.map(({ words }) => words).join(", ") || "nothing"}`}</title>
      {/* The whole column answers a pointer. */}
      <rect className="column" x={x} y="0" width={WIDTH} height={HEIGHT} />
      {pieces.map(({ id, y, height }) => (
        <rect
          key={id}
          className={`series ${id}`}
          x={x + GAP / 2}
          y={y}
          width={WIDTH - GAP}
          height={height}
        />
      ))}
    </g>
  );
}

function Numbers({ title, series, days }: Props) {
  return (
    <TablePlace name={`${title}: every day`}>
      <thead>
        <tr>
          <th scope="col">Day (UTC)</th>
          {series.map(({ id, name }) => (
            <th scope="col" className="number" key={id}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.toReversed().map(({ day, values }) => (
          <tr key={day}>
            <th scope="row">{day}</th>
            {series.map(({ id }, index) => (
              <td className="number" key={id}>
                {(values[index] ?? 0).toLocaleString()}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </TablePlace>
  );
}

const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });

function dayName(day: string | undefined): string {
  return day === undefined ? "" : DAY.format(new Date(`${day}T00:00:00Z`));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The next round number whose half is whole too: 2, 4, 10, 20, 40, 100 … */
function ceiling(value: number): number {
  let step = 1;
  for (;;) {
    for (const factor of [2, 4, 10]) if (value <= factor * step) return factor * step;
    step *= 10;
  }
}
