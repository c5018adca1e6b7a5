package configs

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Setting is one row of the README's table.
type Setting struct {
	Key, Env, Default, Doc string
	Secret                 bool
}

// Settings lists every setting with its embedded default, in the order of Config's fields.
func Settings() []Setting {
	var c Config
	if err := decode(defaults, &c); err != nil {
		// a build that carries it cannot run at all; the tests hold it
		panic(fmt.Sprintf("embedded default.yaml: %v", err))
	}
	var rows []Setting
	walk("", reflect.ValueOf(c), func(key string, f reflect.StructField, v reflect.Value) {
		rows = append(rows, Setting{
			Key: key, Env: f.Tag.Get("env"), Default: show(v), Doc: f.Tag.Get("doc"),
			Secret: f.Tag.Get("secret") == "true",
		})
	})
	return rows
}

// Redacted lists the settings in force as key=value, secrets shown as "set".
func (c Config) Redacted() []string {
	var rows []string
	walk("", reflect.ValueOf(c), func(key string, f reflect.StructField, v reflect.Value) {
		value := show(v)
		if f.Tag.Get("secret") == "true" && value != "" {
			value = "(set)"
		}
		rows = append(rows, key+"="+value)
	})
	return rows
}

// Table is the README's configuration table.
func Table() string {
	var b strings.Builder
	b.WriteString("| key | environment | default | what it says |\n|---|---|---|---|\n")
	for _, s := range Settings() {
		value := s.Default
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Key, s.Env, value, s.Doc)
	}
	return b.String()
}

func walk(prefix string, v reflect.Value,
	visit func(key string, f reflect.StructField, v reflect.Value)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := prefix + f.Tag.Get("yaml")
		if f.Type.Kind() == reflect.Struct {
			walk(key+".", v.Field(i), visit)
			continue
		}
		visit(key, f, v.Field(i))
	}
}

func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case []string:
		return strings.Join(x, ",")
	case time.Duration:
		return x.String()
	default:
		return fmt.Sprint(x)
	}
}
