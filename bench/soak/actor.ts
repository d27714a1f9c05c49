import { random, type World } from "./world.ts";

/** Somebody who uses the gateway: does the same again and again, and thinks in between. */
export interface Actor {
  readonly name: string;
  readonly count: number;
  /** ms between two turns, on average. */
  readonly thinkMs: number;
  /** One turn; throws where an answer is not what it must be. */
  act(world: World, index: number): Promise<void>;
}

/** All of them at once, until the world ends. */
export async function perform(world: World, actors: readonly Actor[]): Promise<void> {
  await Promise.all(
    actors.flatMap((actor) =>
      Array.from({ length: actor.count }, (_, index) => live(world, actor, index)),
    ),
  );
}

async function live(world: World, actor: Actor, index: number): Promise<void> {
  // Not all at the same moment.
  await world.pause(random(0, actor.thinkMs));
  while (!world.signal.aborted) {
    try {
      await actor.act(world, index);
    } catch (error) {
      if (!world.signal.aborted) world.meter.complain(`${actor.name}: ${String(error)}`);
    }
    await world.pause(random(0.5, 1.5) * actor.thinkMs);
  }
}
