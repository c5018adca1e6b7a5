package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting describes one setting.
type Setting struct {
	Key, Env, Default, Doc string
	Secret                 bool
}

// Settings lists every setting with its default: those without a section, then by section.
func Settings() []Setting {
	c := Defaults()
	var rows []Setting
	for _, s := range settingsOf(&c) {
		s.Default = s.String()
		rows = append(rows, s.Setting)
	}
	return rows
}

// Redacted lists the settings in force as key=value, secrets as "(set)".
func (c Config) Redacted() []string {
	var rows []string
	for _, s := range settingsOf(&c) {
		value := s.String()
		if s.Secret && value != "" {
			value = "(set)"
		}
		rows = append(rows, s.Key+"="+value)
	}
	return rows
}

// setting is a setting and the field that holds its value.
type setting struct {
	Setting
	value reflect.Value
}

// section returns the part of a key before the dot, or "".
func section(key string) string {
	name, _, ok := strings.Cut(key, ".")
	if !ok {
		return ""
	}
	return name
}

// settingsOf lists the settings of c in the order of sections, then of fields.
func settingsOf(c *Config) []setting {
	var all []setting
	collect(Setting{}, reflect.ValueOf(c).Elem(), &all)
	order := func(s setting) int {
		return slices.IndexFunc(sections(), func(x sectionDoc) bool {
			return x.name == section(s.Key)
		})
	}
	slices.SortStableFunc(all, func(a, b setting) int { return order(a) - order(b) })
	return all
}

// collect appends the settings in a struct to all. before holds the tags of the struct's own
// field.
func collect(before Setting, v reflect.Value, all *[]setting) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		s := Setting{
			Key: before.Key + f.Tag.Get("key"), Env: before.Env + f.Tag.Get("env"),
			Doc: f.Tag.Get("doc"), Secret: f.Tag.Get("secret") == "true",
		}
		if before.Doc != "" {
			s.Doc = before.Doc + ": " + s.Doc
		}
		if f.Type.Kind() == reflect.Struct {
			s.Doc = f.Tag.Get("doc")
			collect(s, v.Field(i), all)
		} else if f.Tag.Get("key") != "" {
			*all = append(*all, setting{Setting: s, value: v.Field(i)})
		}
	}
}

// String returns the value as an environment variable spells it.
func (s setting) String() string {
	switch x := s.value.Interface().(type) {
	case []string:
		return strings.Join(x, ",")
	case time.Duration:
		return shortDuration(x)
	default:
		return fmt.Sprint(x)
	}
}

// set parses a value as an environment variable spells it.
func (s setting) set(text string) error {
	switch p := s.value.Addr().Interface().(type) {
	case *string:
		*p = text
	case *[]string:
		*p = strings.Split(text, ",")
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*p = b
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 90s or 10m", text)
		}
		*p = d
	default:
		return fmt.Errorf("a setting cannot be a %T", p)
	}
	return nil
}

// shortDuration spells a duration without units that are zero: 10m, not 10m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
