package server

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/setting"
)

// section is a section of the configuration that an app declares with actionhero.Section.
type section struct {
	name     string
	settings any // a pointer to a struct
}

// sectionsOf returns each actionhero.Section in parts, in the lists that are nested in parts, and in the parts of
// initializers.
func sectionsOf(parts actionhero.Parts) (found []section, err error) {
	for _, p := range parts {
		var more []section
		switch p := p.(type) {
		case interface{ Defaults() (string, any, error) }:
			name, settings, err := p.Defaults()
			if err != nil {
				return nil, err
			}
			more = []section{{name, settings}}
		case actionhero.Parts:
			more, err = sectionsOf(p)
		case actionhero.Initializer:
			more, err = sectionsOf(p.Parts)
		case *actionhero.Initializer:
			more, err = sectionsOf(p.Parts)
		}
		if err != nil {
			return nil, err
		}
		for _, s := range more {
			if isServerSection(s.name) {
				return nil, fmt.Errorf("section %q is a section of the server: choose another name", s.name)
			}
			if slices.ContainsFunc(found, func(other section) bool { return other.name == s.name }) {
				return nil, fmt.Errorf("two sections are named %q: rename one, or add it once", s.name)
			}
			found = append(found, s)
		}
	}
	return found, nil
}

func isServerSection(name string) bool {
	return slices.ContainsFunc(setting.Fields(reflect.TypeFor[Config]()), func(f setting.Field) bool { return f.Name == name })
}

// withSections returns a struct that has the sections of c and the app's own sections as fields, so that package config
// handles all of them alike. The struct is a copy.
func (c *Config) withSections() reflect.Value {
	fields := []reflect.StructField{{Name: "Server", Type: reflect.TypeFor[Config](), Tag: `json:",inline"`}}
	for i, s := range c.sections {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("Section%d", i), Type: reflect.TypeOf(s.settings).Elem(), Tag: reflect.StructTag(fmt.Sprintf("json:%q", s.name)),
		})
	}
	all := reflect.New(reflect.StructOf(fields)).Elem()
	all.Field(0).Set(reflect.ValueOf(*c))
	for i, s := range c.sections {
		all.Field(i + 1).Set(reflect.ValueOf(s.settings).Elem())
	}
	return all
}

// takeSections copies the sections of a struct that withSections returned back to c.
func (c *Config) takeSections(all reflect.Value) {
	*c = all.Field(0).Interface().(Config)
	c.General.Sections = map[string]any{}
	for i := range c.sections {
		settings := reflect.New(all.Field(i + 1).Type())
		settings.Elem().Set(all.Field(i + 1))
		c.sections[i].settings = settings.Interface()
		c.General.Sections[c.sections[i].name] = settings.Interface()
	}
}
