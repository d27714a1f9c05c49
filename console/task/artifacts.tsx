import { useState } from "react";
import type { ArtifactView } from "../../src/contract/task.ts";
import { Inert } from "../parts/inert.tsx";
import { PictureDialog } from "../parts/picture-dialog.tsx";
import { bytes } from "./bytes.ts";
import { TextArtifact } from "./text-artifact.tsx";

/** What the service sends as a picture, whatever the artifact calls itself. */
const PICTURES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);

/** Pictures as a film strip; everything else to look at as text, or to download. */
export function Artifacts({ artifacts }: { artifacts: readonly ArtifactView[] }) {
  const pictures = artifacts.filter(({ media_type }) => PICTURES.has(media_type));
  const files = artifacts.filter(({ media_type }) => !PICTURES.has(media_type));
  return (
    <>
      {pictures.length > 0 && <FilmStrip pictures={pictures} />}
      {files.length > 0 && (
        <section aria-label="Files">
          <h3>Files</h3>
          <ul className="files">
            {files.map((file) => (
              <li key={file.id}>
                <FileEntry file={file} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** The address is made here, so that it is of this service whatever the answer says. */
function addressOf({ id }: ArtifactView): string {
  return `/artifacts/${encodeURIComponent(id)}`;
}

function FilmStrip({ pictures }: { pictures: readonly ArtifactView[] }) {
  const [shown, setShown] = useState<ArtifactView>();
  return (
    <section aria-label="Pictures">
      <h3>Pictures</h3>
      <ol className="film-strip">
        {pictures.map((picture, index) => (
          <li key={picture.id}>
            <button type="button" className="picture" onClick={() => setShown(picture)}>
              <img
                src={addressOf(picture)}
                alt={`Step ${picture.step + 1}: ${index + 1} of ${pictures.length}`}
                loading="lazy"
              />
            </button>
            <span className="caption">step {picture.step + 1}</span>
          </li>
        ))}
      </ol>
      {shown !== undefined && (
        <PictureDialog
          open
          onOpenChange={(open) => !open && setShown(undefined)}
          source={addressOf(shown)}
          title={shown.name}
        />
      )}
    </section>
  );
}

function FileEntry({ file }: { file: ArtifactView }) {
  const isText = file.media_type.startsWith("text/plain");
  return (
    <>
      <span className="file-name">
        <Inert text={file.name} />
      </span>{" "}
      <small>
        <Inert text={file.media_type} />, {bytes(file.size)}
      </small>
      <span className="buttons">
        {isText && <TextArtifact address={addressOf(file)} size={file.size} />}
        <a className="button" href={addressOf(file)} download>
          Download
        </a>
      </span>
    </>
  );
}
