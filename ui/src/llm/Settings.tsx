// llm/Settings.tsx -- which model answers, what it is told first, how it chooses its words.
import Form from 'react-bootstrap/Form';

import type { ChatSettings, LlmModel } from '../api';
import { count } from '../format';
import SeedField from '../SeedField';

const TOKENS_MAX = 1_000_000;
const TEMPERATURE_MAX = 2;

const STATES: Record<string, string> = {
  cold: 'loads when it is first asked',
  loading: 'is being loaded',
  broken: 'cannot be loaded',
};

// "qwen3-4b (context 32,768)".
function about(m: LlmModel): string {
  const facts = [
    m.context_window !== undefined && `context ${count(m.context_window)}`,
    m.state && STATES[m.state],
  ].filter(Boolean);
  return facts.length ? `${m.id} (${facts.join(', ')})` : m.id;
}

interface NumberProps {
  id: keyof ChatSettings;
  label: string;
  help: string;
  min: number;
  max: number;
  step: number;
  placeholder?: string;
}

// A field that is left empty is the model's own default.
const NUMBERS: NumberProps[] = [
  { id: 'temperature', label: 'Temperature', help: 'lower is safer, higher bolder', min: 0, max: TEMPERATURE_MAX, step: 0.05 },
  { id: 'top_p', label: 'Top p', help: 'the likeliest words up to this share', min: 0.05, max: 1, step: 0.05 },
  { id: 'top_k', label: 'Top k', help: '1 always takes the likeliest', min: 1, max: 1024, step: 1 },
  { id: 'max_tokens', label: 'Longest answer', help: 'tokens', min: 1, max: TOKENS_MAX, step: 1, placeholder: 'what fits' },
];

interface Props {
  settings: ChatSettings;
  system: string;
  models: LlmModel[];
  onSettings: (settings: ChatSettings) => void;
  onSystem: (text: string) => void;
}

export default function Settings({ settings, system, models, onSettings, onSystem }: Props) {
  const set = (name: keyof ChatSettings) => (e: { target: { value: string } }) =>
    onSettings({ ...settings, [name]: e.target.value });
  return (
    <fieldset className="options">
      <legend className="visually-hidden">Settings</legend>
      <Form.Group controlId="llm-model" className="options-wide">
        <Form.Label>Model</Form.Label>
        <Form.Select value={settings.model} onChange={set('model')}>
          {models.map((m) => (
            <option key={m.id} value={m.id}>
              {about(m)}
            </option>
          ))}
        </Form.Select>
      </Form.Group>
      <Form.Group controlId="llm-system" className="options-all">
        <Form.Label>System prompt</Form.Label>
        <Form.Control
          as="textarea"
          rows={2}
          placeholder="What the model is told before the conversation"
          value={system}
          onChange={(e) => onSystem(e.target.value)}
        />
      </Form.Group>
      {NUMBERS.map((n) => (
        <Form.Group key={n.id} controlId={`llm-${n.id}`}>
          <Form.Label>{n.label}</Form.Label>
          <Form.Control
            type="number"
            min={n.min}
            max={n.max}
            step={n.step}
            placeholder={n.placeholder ?? 'the model’s own'}
            value={settings[n.id]}
            onChange={set(n.id)}
          />
          <Form.Text>{n.help}</Form.Text>
        </Form.Group>
      ))}
      <SeedField
        id="llm-seed"
        value={settings.seed}
        help="the same seed gives the same answer"
        onChange={(seed) => onSettings({ ...settings, seed })}
      />
    </fieldset>
  );
}
