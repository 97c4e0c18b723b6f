// SeedField.tsx -- a seed to type, or a new one.
import Button from 'react-bootstrap/Button';
import Form from 'react-bootstrap/Form';
import InputGroup from 'react-bootstrap/InputGroup';

const randomSeed = (): string => String(crypto.getRandomValues(new Uint32Array(1))[0]);

interface Props {
  id: string;
  value: string;
  help: string;
  onChange: (seed: string) => void;
}

export default function SeedField({ id, value, help, onChange }: Props) {
  return (
    <Form.Group controlId={id}>
      <Form.Label>Seed</Form.Label>
      <InputGroup>
        <Form.Control
          inputMode="numeric"
          pattern="[0-9]*"
          title="digits only"
          placeholder="random"
          value={value}
          onChange={(e) => onChange(e.target.value)}
        />
        <Button variant="outline-secondary" onClick={() => onChange(randomSeed())}>
          New
        </Button>
      </InputGroup>
      <Form.Text>{help}</Form.Text>
    </Form.Group>
  );
}
