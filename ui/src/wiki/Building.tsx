// wiki/Building.tsx -- how far an index has come. It lies over the foot of the window, so that it
// comes and goes without moving what is being read.
import type { Wiki } from '../api';
import { count, span } from '../format';
import { labelOf } from './wikis';

export default function Building({ wikis }: { wikis: Wiki[] }) {
  const building = wikis.filter((w) => w.building);
  if (!building.length) return null;
  return (
    <aside className="building" aria-label="Indexing">
      {building.map((wiki) => (
        <div key={wiki.name}>
          <Bar wiki={wiki} />
        </div>
      ))}
    </aside>
  );
}

function Bar({ wiki }: { wiki: Wiki }) {
  const percent = 100 * (wiki.progress ?? 0);
  const label = labelOf(wiki);
  return (
    <>
      <b>Indexing {label}</b>
      <progress max={100} value={percent} aria-label={`Indexing ${label}`} />
      <span>{percent.toFixed(1)} %</span>
      <span>{count(wiki.pages_read ?? wiki.pages)} pages so far</span>
      {wiki.seconds_left != null && <span>{span(wiki.seconds_left)} left</span>}
    </>
  );
}
