package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
)

// snapshotFormat is the number of the form of a [Snapshot]. It grows if an older program would misread a newer one.
const snapshotFormat = 1

// Snapshot is what clients and stored jobs of an app depend on, in a form to keep: the command `contract save` writes it,
// and `contract check` compares it with the app.
type Snapshot struct {
	Format  int      `json:"contract"` // snapshotFormat
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Actions []Action `json:"actions"`
	Tasks   []Task   `json:"tasks"`
	Events  []Event  `json:"events"`
	Schemes []Scheme `json:"securitySchemes"`
}

// Action is one version of an action in a [Snapshot].
type Action struct {
	Name           string          `json:"name"`
	Version        int             `json:"version,omitzero"`
	Kind           string          `json:"kind"`
	Idempotent     bool            `json:"idempotent,omitzero"`
	IdempotencyKey string          `json:"idempotencyKey"`
	Access         string          `json:"access"` // as actionhero.Access.String returns it
	Transports     []string        `json:"transports,omitzero"`
	Routes         []string        `json:"routes,omitzero"`
	MaxBody        int64           `json:"maxBody,omitzero"`
	Timeout        time.Duration   `json:"timeout,omitzero"` // in nanoseconds; 0: none
	RawBody        bool            `json:"rawBody,omitzero"`
	Tool           string          `json:"tool,omitzero"` // the name of the tool
	Deprecated     *Deprecated     `json:"deprecated,omitzero"`
	Errors         []string        `json:"errors"`
	Input          json.RawMessage `json:"input"`
	Output         json.RawMessage `json:"output,omitzero"` // nil: bytes
}

// Deprecated says since when an action is deprecated, and from when on it may be gone.
type Deprecated struct {
	Since  string `json:"since"`
	Sunset string `json:"sunset,omitzero"`
}

// Task is a task in a [Snapshot].
type Task struct {
	Name  string          `json:"name"`
	Queue string          `json:"queue,omitzero"`
	Input json.RawMessage `json:"input"`
}

// Event is an event of rooms in a [Snapshot].
type Event struct {
	Name   string          `json:"name"`
	Room   string          `json:"room"`
	Access []string        `json:"access,omitzero"`
	Value  json.RawMessage `json:"value"`
}

// Scheme is a security scheme in a [Snapshot].
type Scheme struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Scheme string `json:"scheme,omitzero"`
	In     string `json:"in,omitzero"`
	Key    string `json:"key,omitzero"`
}

// NewSnapshot returns the snapshot of an app.
func NewSnapshot(d actionhero.Description) Snapshot {
	s := Snapshot{Format: snapshotFormat, Name: d.Name, Version: d.Version, Actions: []Action{}, Tasks: []Task{}, Events: []Event{}, Schemes: []Scheme{}}
	for i := range d.Actions {
		info := &d.Actions[i]
		a := Action{
			Name: info.Name, Version: info.Version, Kind: info.Kind.String(), Idempotent: info.Idempotent, IdempotencyKey: info.IdempotencyKey.String(),
			Access: info.Access.String(), Transports: info.Transports, Routes: info.Routes, MaxBody: info.MaxBody, Timeout: info.Timeout, RawBody: info.RawBody,
			Input: info.InputSchema, Output: info.OutputSchema, Errors: []string{},
		}
		for _, code := range info.Errors {
			a.Errors = append(a.Errors, code.String())
		}
		if d := info.Deprecated; d != nil {
			a.Deprecated = &Deprecated{d.Since, d.Sunset}
		}
		if info.Tool != nil {
			a.Tool = info.Tool.Name
		}
		s.Actions = append(s.Actions, a)
	}
	for i := range d.Tasks {
		s.Tasks = append(s.Tasks, Task{d.Tasks[i].Name, d.Tasks[i].Queue, d.Tasks[i].InputSchema})
	}
	for i := range d.Events {
		e := Event{Name: d.Events[i].Name, Room: d.Events[i].Room, Value: d.Events[i].Schema}
		for _, rule := range d.Events[i].Access {
			e.Access = append(e.Access, rule.String())
		}
		s.Events = append(s.Events, e)
	}
	for _, scheme := range d.SecuritySchemes {
		s.Schemes = append(s.Schemes, Scheme{scheme.Name, scheme.Type, scheme.Scheme, scheme.In, scheme.Key})
	}
	return s
}

// JSON returns the snapshot as indented JSON. The same app has the same bytes.
func (s Snapshot) JSON() ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return text.Bytes(), err
}

// ReadSnapshot reads what [Snapshot.JSON] has written.
func ReadSnapshot(text []byte) (s Snapshot, err error) {
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("it is no description that \"contract save\" has written: %w", err)
	}
	switch {
	case s.Format == 0:
		return s, errors.New("it is no description that \"contract save\" has written: it has no member \"contract\"")
	case s.Format > snapshotFormat:
		return s, fmt.Errorf("a newer version of actionHero has written it, in the form %d: update this program", s.Format)
	}
	return s, nil
}
