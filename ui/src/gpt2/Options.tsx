// gpt2/Options.tsx -- what a generation can be told besides its prompt.
import Form from 'react-bootstrap/Form';

import type { GenerateOptions, Model } from '../api';
import { count, parameters } from '../format';
import SeedField from '../SeedField';

const LENGTH_MIN = 10;
const LENGTH_MAX = 1024;
const TOP_K_MAX = 50;
const TEMPERATURE_MAX = 2; // the server takes more, and nobody can read it
const STOP_MAX = 256;

interface Props {
  options: GenerateOptions;
  models: Model[];
  onChange: (options: GenerateOptions) => void;
}

const about = (m: Model): string => {
  const facts = [
    m.n_params !== undefined && parameters(m.n_params),
    m.type,
    m.block_size !== undefined && `context ${count(m.block_size)}`,
  ].filter(Boolean);
  return facts.length ? `${m.name} (${facts.join(', ')})` : m.name;
};

export default function Options({ options, models, onChange }: Props) {
  const set = (name: keyof GenerateOptions) => (e: { target: { value: string } }) =>
    onChange({ ...options, [name]: e.target.value });
  const model = models.find((m) => m.name === options.model) ?? models[0];
  const lengthMax = Math.min(LENGTH_MAX, model?.block_size ?? LENGTH_MAX);
  return (
    <fieldset className="options">
      <legend className="visually-hidden">Options</legend>
      <Form.Group controlId="max_length">
        <Form.Label>Max length</Form.Label>
        <Form.Control
          type="number"
          min={LENGTH_MIN}
          max={lengthMax}
          value={options.max_length}
          onChange={set('max_length')}
        />
        <Form.Text>tokens, prompt included</Form.Text>
      </Form.Group>
      <Form.Group controlId="top_k">
        <Form.Label>Top k</Form.Label>
        <Form.Control
          type="number"
          min={1}
          max={TOP_K_MAX}
          value={options.top_k}
          onChange={set('top_k')}
        />
        <Form.Text>1 always takes the likeliest</Form.Text>
      </Form.Group>
      <SeedField
        id="seed"
        value={options.seed}
        help="the same seed gives the same text"
        onChange={(seed) => onChange({ ...options, seed })}
      />
      <Form.Group controlId="temperature">
        <Form.Label>Temperature</Form.Label>
        <Form.Control
          type="number"
          min={0}
          max={TEMPERATURE_MAX}
          step={0.05}
          value={options.temperature}
          onChange={set('temperature')}
        />
        <Form.Text>lower is safer, higher bolder</Form.Text>
      </Form.Group>
      <Form.Group controlId="top_p">
        <Form.Label>Top p</Form.Label>
        <Form.Control
          type="number"
          min={0.05}
          max={1}
          step={0.05}
          value={options.top_p}
          onChange={set('top_p')}
        />
        <Form.Text>the likeliest up to this share; 1 is all</Form.Text>
      </Form.Group>
      <Form.Group controlId="stop">
        <Form.Label>Stop before</Form.Label>
        <Form.Control
          maxLength={STOP_MAX}
          placeholder="nothing"
          autoComplete="off"
          value={options.stop}
          onChange={set('stop')}
        />
        <Form.Text>
          <code>\n</code> is the end of a line
        </Form.Text>
      </Form.Group>
      {models.length > 1 && (
        <Form.Group controlId="model" className="options-wide">
          <Form.Label>Model</Form.Label>
          <Form.Select value={model?.name ?? ''} onChange={set('model')}>
            {models.map((m) => (
              <option key={m.name} value={m.name}>
                {about(m)}
              </option>
            ))}
          </Form.Select>
        </Form.Group>
      )}
    </fieldset>
  );
}
