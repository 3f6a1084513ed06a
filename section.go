package actionhero

import (
	"fmt"
	"reflect"
	"regexp"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// Section declares a section of the configuration that belongs to the app, and is a [Part]. The value of a Section is
// the name of the section. T is a struct whose fields are the settings.
//
//	type TicketsConfig struct {
//		Escalate time.Duration `json:"escalate" default:"4h" min:"1m" doc:"time after which a ticket is escalated"`
//		Token    string        `json:"token" secret:"true" doc:"token of the mail service"`
//	}
//
//	const Tickets = actionhero.Section[TicketsConfig]("tickets")
//
// The same rules hold as for the sections of the server: the file config.json, config.yaml or config.toml contains the
// settings under the name of the section, the variable ACTIONHERO_TICKETS_ESCALATE sets the setting tickets.escalate,
// and the command config lists it. The tags default, auto, min, max, also, enum, range, unit, secret and doc declare a
// setting. An unknown or wrong setting stops the start with a sentence that names it.
//
// The command line of package cli loads the section. A program without package cli passes the Section to server.Load
// and to server.New.
type Section[T any] string

var sectionName = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)

// Defaults returns the name of the section and a pointer to a new T, in which each setting has its default. Package
// server loads the configuration into that T. The error is not nil if the name is not a name for a section, if T is
// not a struct, or if a field of T is no declaration of a setting; it names the field and the remedy.
func (s Section[T]) Defaults() (name string, settings any, err error) {
	if !sectionName.MatchString(string(s)) {
		return "", nil, fmt.Errorf("section name %q is not allowed: use a letter from a to z and then letters and digits", string(s))
	}
	if t := reflect.TypeFor[T](); t.Kind() != reflect.Struct {
		return "", nil, fmt.Errorf("section %q has the type %v: use a struct whose fields are the settings", string(s), t)
	}
	if err := setting.Mistake(reflect.TypeFor[T]()); err != nil {
		return "", nil, fmt.Errorf("section %q: %w", string(s), err)
	}
	value := new(T)
	setting.Fill(value)
	return string(s), value, nil
}

// Get returns the settings of the section in the configuration of api. Get panics if the section is not a part of api.
func (s Section[T]) Get(api *API) T {
	value, ok := api.registry.Load().sections[string(s)].(*T)
	if !ok {
		panic(fmt.Sprintf("section %q with the type %v is not a part of this API: pass it to cli.Main, server.New or actionhero.New", string(s), reflect.TypeFor[T]()))
	}
	return *value
}

func (s Section[T]) register(r *registry) error {
	name, value, err := s.Defaults()
	if err != nil {
		return err
	}
	if _, taken := r.sections[name]; taken {
		return fmt.Errorf("two sections are named %q: rename one, or register it once", name)
	}
	if loaded, ok := r.loadedSections[name]; ok {
		value = loaded
	}
	if _, ok := value.(*T); !ok {
		return fmt.Errorf("Config.Sections has a %T for the section %q, which needs a %v", value, name, reflect.TypeFor[*T]())
	}
	if err := setting.Check(name, value); err != nil {
		return err
	}
	r.sections[name] = value
	return nil
}
