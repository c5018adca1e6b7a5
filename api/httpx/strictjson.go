package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// strictJSON decodes JSON as encoding/json does, but refuses objects whose keys could be read in
// two ways: a key that is there twice, and a key that differs from a field's name in case only.
// encoding/json takes the last of them, other programs the first, or only the one in lower case.
// A proxy or a log that reads a body could be shown another one than the server. It is safe for
// concurrent use.
type strictJSON struct {
	fields sync.Map // of reflect.Type: map[string]reflect.Type, the fields of a struct
}

// errTwice is returned when a key is in an object twice.
var errTwice = errors.New("an object has the same key twice")

// format returns the format of application/json.
func (s *strictJSON) format() huma.Format {
	f := huma.DefaultJSONFormat
	f.Unmarshal = s.unmarshal
	return f
}

// unmarshal decodes a body into what v points to. huma calls it twice: first with an any, for
// validation, and then with the operation's type. Only the latter tells the names of the fields.
func (s *strictJSON) unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	t := reflect.TypeOf(v).Elem()
	if t.Kind() == reflect.Interface {
		return nil
	}
	return s.check(json.NewDecoder(bytes.NewReader(data)), t)
}

// check reads one value, which is valid JSON. t is the type that it is decoded into; nil means
// that any key may be there.
func (s *strictJSON) check(d *json.Decoder, t reflect.Type) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch token {
	case json.Delim('['):
		var element reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			element = t.Elem()
		}
		for d.More() {
			if err := s.check(d, element); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		return s.object(d, t)
	default:
		return nil
	}
	_, err = d.Token() // the closing bracket
	return err
}

// object reads the rest of an object.
func (s *strictJSON) object(d *json.Decoder, t reflect.Type) error {
	fields := s.fieldsOf(t)
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return io.ErrUnexpectedEOF
		}
		if seen[key] {
			return errTwice
		}
		seen[key] = true
		value, known := fields[key]
		if !known {
			for name := range fields {
				if strings.EqualFold(name, key) {
					return fmt.Errorf("write the key %s exactly so", name)
				}
			}
			if t != nil && t.Kind() == reflect.Map {
				value = t.Elem()
			}
		}
		if err := s.check(d, value); err != nil {
			return err
		}
	}
	_, err := d.Token() // the closing brace
	return err
}

// fieldsOf returns the types of the fields of a struct by their JSON names. It is nil for other
// types, and for those that decode themselves.
func (s *strictJSON) fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	if known, ok := s.fields.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported(), name == "-", f.Anonymous && name == "":
			continue
		case name == "":
			name = f.Name
		}
		fields[name] = f.Type
	}
	s.fields.Store(t, fields)
	return fields
}
