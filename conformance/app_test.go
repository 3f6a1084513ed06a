package conformance

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/schema"
	"github.com/actionhero-go/actionhero/server"
)

// The inputs below have every type that an input may have, and every rule.

type integers struct {
	I   int    `json:"i"`
	I8  int8   `json:"i8"`
	I16 int16  `json:"i16" minimum:"-5"`
	I32 int32  `json:"i32" maximum:"7"`
	I64 int64  `json:"i64" required:"true"`
	U   uint   `json:"u" minimum:"3" maximum:"9"`
	U8  uint8  `json:"u8"`
	U16 uint16 `json:"u16"`
	U32 uint32 `json:"u32" enum:"1,2,4294967295"`
	U64 uint64 `json:"u64"`
	P   *int   `json:"p" minimum:"1" required:"true"`
	D   int    `json:"d" default:"5" minimum:"5"`
}

type numbers struct {
	F32  float32   `json:"f32" minimum:"-1.5"`
	F64  float64   `json:"f64" required:"true" maximum:"2.25"`
	Enum float64   `json:"enum" enum:"0.5,1"`
	B    bool      `json:"b" required:"true"`
	PB   *bool     `json:"pb"`
	List []float64 `json:"list" minimum:"0" maximum:"1" minItems:"1" maxItems:"3"`
}

type color string

type texts struct {
	S       string   `json:"s"`
	Need    string   `json:"need" required:"true"`
	Short   string   `json:"short" minLength:"2" maxLength:"4"`
	Color   color    `json:"color" enum:"red,green" required:"true"`
	Pattern string   `json:"pattern" pattern:"(?i)^a[0-9]+\\s?$"`
	P       *string  `json:"p" maxLength:"3"`
	NeedP   *string  `json:"needP" required:"true" maxLength:"3"`
	List    []string `json:"list" required:"true" minLength:"1" maxItems:"2"`
	Colors  []color  `json:"colors" enum:"red,green"`
	D       string   `json:"d" default:"x" enum:"x,y"`
	Secret  string   `json:"secret" secret:"true"`
	Bytes   []byte   `json:"bytes"`
	NeedB   []byte   `json:"needB" required:"true"`
}

type formats struct {
	Email    string   `json:"email" format:"email"`
	URI      string   `json:"uri" format:"uri"`
	UUID     string   `json:"uuid" format:"uuid"`
	Date     string   `json:"date" format:"date"`
	DateTime string   `json:"dateTime" format:"date-time"`
	V4       string   `json:"v4" format:"ipv4"`
	V6       string   `json:"v6" format:"ipv6"`
	Host     string   `json:"host" format:"hostname"`
	Mails    []string `json:"mails" format:"email"`
}

type times struct {
	At    time.Time       `json:"at" required:"true"`
	On    actionhero.Date `json:"on"`
	NeedD actionhero.Date `json:"needD" required:"true"`
	Wait  time.Duration   `json:"wait" required:"true"`
	Enum  time.Duration   `json:"enum" enum:"1m,1500ms"`
	Ats   []time.Time     `json:"ats"`
	Waits []time.Duration `json:"waits" maxItems:"2"`
}

type address struct {
	Street string `json:"street" required:"true" maxLength:"5"`
	No     int    `json:"no" minimum:"1" default:"1"`
}

type nested struct {
	One    address            `json:"one"`
	Need   address            `json:"need" required:"true"`
	P      *address           `json:"p"`
	Many   []address          `json:"many" minItems:"1" maxItems:"2"`
	ManyP  []*address         `json:"manyP"`
	Map    map[string]address `json:"map" maxItems:"2"`
	Counts map[string]int     `json:"counts" minItems:"1" minimum:"0"`
	Lists  [][]int            `json:"lists"`
	Maps   []map[string]bool  `json:"maps"`
	Any    any                `json:"any"`
	NeedA  any                `json:"needA" required:"true"`
	Raw    json.RawMessage    `json:"raw" required:"true"`
	Anys   []any              `json:"anys" minItems:"1"`
	Inner  struct {
		X int `json:"x"`
	} `json:"inner"`
	embedded
}

type embedded struct {
	Extra string `json:"extra" maxLength:"2"`
}

type optionals struct {
	S    actionhero.Optional[string]   `json:"s" maxLength:"3"`
	I    actionhero.Optional[int]      `json:"i" minimum:"2"`
	E    actionhero.Optional[color]    `json:"e" enum:"red,green"`
	L    actionhero.Optional[[]string] `json:"l" maxItems:"2" minLength:"2"`
	A    actionhero.Optional[address]  `json:"a"`
	Any  actionhero.Optional[any]      `json:"any"`
	List []actionhero.Optional[int]    `json:"list" maximum:"3"`
	PL   []*int                        `json:"pl" maximum:"3"`
}

type tree struct {
	Name string          `json:"name" required:"true" maxLength:"3"`
	Kids []tree          `json:"kids" maxItems:"2"`
	Left *tree           `json:"left"`
	Map  map[string]tree `json:"map"`
}

type nest []nest

type lists struct {
	N nest `json:"n" maxItems:"2"`
	M nest `json:"m" required:"true"`
}

// judged is what the server says about one request.
type judged struct {
	canonical []byte // the input as the action has got it, in the form in which clients send it
}

type harness struct {
	api  *server.Server
	last *judged
}

func action[In any](h *harness, name string, strict bool) actionhero.Action[In, actionhero.None] {
	input, err := schema.CompileInput(reflect.TypeFor[In](), schema.Options{FileType: reflect.TypeFor[actionhero.File]()})
	if err != nil {
		panic(err)
	}
	return actionhero.Action[In, actionhero.None]{
		Name: name, Description: "takes " + name, Strict: strict,
		Run: func(_ context.Context, in In) (out actionhero.None, err error) {
			h.last.canonical, err = input.AppendObject(nil, &in)
			return out, err
		},
	}
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	h := &harness{last: &judged{}}
	h.api = newServer(t, nil, action[integers](h, "integers", false), action[numbers](h, "numbers", false), action[texts](h, "texts", false),
		action[formats](h, "formats", false), action[times](h, "times", false), action[nested](h, "nested", false), action[optionals](h, "optionals", false),
		action[tree](h, "tree", false), action[lists](h, "lists", false), action[tree](h, "strictTree", true), action[nested](h, "strictNested", true))
	return h
}

// newServer returns a started server that listens on no port.
func newServer(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *server.Server {
	t.Helper()
	off := false
	cfg := server.Config{}
	cfg.HTTPServer.Enable, cfg.TCPServer.Enable, cfg.Log.Logging, cfg.Tasks.Memory, cfg.Tasks.Control = &off, &off, &off, true, &off
	cfg.General.FlatFileDirectory = t.TempDir()
	if change != nil {
		change(&cfg)
	}
	s, err := server.New(cfg, parts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s
}
