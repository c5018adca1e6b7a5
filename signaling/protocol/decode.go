package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// DecodeClient decodes a message from a participant. It is strict: unknown types, unknown, missing
// and repeated fields are errors, and so is anything after the object. It returns ErrTooLarge,
// ErrMalformed, ErrUnknownType or ErrField, with details.
func DecodeClient(b []byte) (ClientMessage, error) {
	m, rest, err := decode(b, clientMessages(), true)
	if err != nil {
		return nil, err
	}
	// The check comes first, so that a client of another version is told about the version and not
	// about its new fields.
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", m.clientType(), err)
	}
	for name := range rest {
		return nil, fmt.Errorf("%s: %w: %.40q is unknown", m.clientType(), ErrField, name)
	}
	return m, nil
}

// DecodeServer decodes a message from the hub. It ignores unknown fields, because a server may add
// some. It returns the same errors as DecodeClient.
func DecodeServer(b []byte) (ServerMessage, error) {
	m, _, err := decode(b, serverMessages(), false)
	return m, err
}

// decode decodes a message as the known message of the same type. rest contains the fields that
// this message does not have.
func decode[M any](b []byte, known []M, strict bool) (m M, rest map[string]json.RawMessage,
	err error) {
	if len(b) > MaxMessage {
		return m, nil, ErrTooLarge
	}
	fields, err := object(b)
	if err != nil {
		return m, nil, err
	}
	var name *string
	if json.Unmarshal(fields["type"], &name) != nil || name == nil {
		return m, nil, fmt.Errorf("%w (it has no \"type\")", ErrMalformed)
	}
	delete(fields, "type")
	for _, k := range known {
		if TypeOf(k) != *name {
			continue
		}
		value := reflect.New(reflect.TypeOf(k)).Elem()
		if err := fill(value, fields, strict); err != nil {
			return m, nil, fmt.Errorf("%s: %w", *name, err)
		}
		return value.Interface().(M), fields, nil
	}
	return m, nil, fmt.Errorf("%w %.40q", ErrUnknownType, *name)
}

// object splits a JSON object into its fields.
func object(b []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%w (it is not UTF-8)", ErrMalformed)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%w (an object was expected)", ErrMalformed)
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w (a field name was expected)", ErrMalformed)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("%w (field %.40q has no valid value)", ErrMalformed,
				name)
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("%w (field %.40q occurs twice)", ErrMalformed, name)
		}
		fields[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("%w (the object does not end)", ErrMalformed)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w (something follows the object)", ErrMalformed)
	}
	return fields, nil
}

// fill sets a message's fields by their exact names and deletes them from the map. A null counts
// as a missing field. If strict, only optional fields may be missing.
func fill(message reflect.Value, fields map[string]json.RawMessage, strict bool) error {
	for i := range message.NumField() {
		name, options, _ := strings.Cut(message.Type().Field(i).Tag.Get("json"), ",")
		raw, ok := fields[name]
		delete(fields, name)
		if !ok || string(raw) == "null" {
			if strict && options != "omitempty" {
				return fmt.Errorf("%w: %s is missing", ErrField, name)
			}
			continue
		}
		field := message.Field(i)
		if err := json.Unmarshal(raw, field.Addr().Interface()); err != nil {
			return fmt.Errorf("%w: %s must be %s", ErrField, name, kindOf(field.Type()))
		}
	}
	return nil
}

// kindOf describes the JSON values of a field, for error messages.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<t.Bits()-1)
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}
