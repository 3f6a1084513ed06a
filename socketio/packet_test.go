package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

func TestParsePacket(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want packet
	}{
		{`0`, packet{kind: typeConnect}},
		{`0{"token":"123"}`, packet{kind: typeConnect, data: []byte(`{"token":"123"}`)}},
		{`0/`, packet{kind: typeConnect}},
		{`0/,`, packet{kind: typeConnect}},
		{`0/admin`, packet{kind: typeConnect, namespace: []byte("/admin")}},
		{`0/admin,`, packet{kind: typeConnect, namespace: []byte("/admin")}},
		{`0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}`, packet{kind: typeConnect, namespace: []byte("/admin"), data: []byte(`{"sid":"oSO0OpakMV_3jnilAAAA"}`)}},
		{`1`, packet{kind: typeDisconnect}},
		{`1/admin,`, packet{kind: typeDisconnect, namespace: []byte("/admin")}},
		{`2["foo"]`, packet{kind: typeEvent, data: []byte(`["foo"]`)}},
		{`2 ["foo"]` + "\n", packet{kind: typeEvent, data: []byte(`["foo"]`)}},
		{`2/admin,["bar"]`, packet{kind: typeEvent, namespace: []byte("/admin"), data: []byte(`["bar"]`)}},
		{`212["foo"]`, packet{kind: typeEvent, id: []byte("12"), data: []byte(`["foo"]`)}},
		{`2/admin,13["foo"]`, packet{kind: typeEvent, namespace: []byte("/admin"), id: []byte("13"), data: []byte(`["foo"]`)}},
		{`29007199254740992["foo"]`, packet{kind: typeEvent, id: []byte("9007199254740992"), data: []byte(`["foo"]`)}},
		{`2["malformed]`, packet{kind: typeEvent, data: []byte(`["malformed]`)}},
		{`3/admin,13["bar"]`, packet{kind: typeAck, namespace: []byte("/admin"), id: []byte("13"), data: []byte(`["bar"]`)}},
		{`312[]`, packet{kind: typeAck, id: []byte("12"), data: []byte(`[]`)}},
		{`51-["baz",{"_placeholder":true,"num":0}]`, packet{kind: typeBinaryEvent, attachments: 1, data: []byte(`["baz",{"_placeholder":true,"num":0}]`)}},
		{`510-/admin,7["baz"]`, packet{kind: typeBinaryEvent, attachments: 10, namespace: []byte("/admin"), id: []byte("7"), data: []byte(`["baz"]`)}},
		{`61-15["bar",{"_placeholder":true,"num":0}]`, packet{kind: typeBinaryAck, attachments: 1, id: []byte("15"), data: []byte(`["bar",{"_placeholder":true,"num":0}]`)}},
	} {
		got, err := parsePacket([]byte(test.text))
		if err != nil || !equal(got, test.want) {
			t.Errorf("%s: %+v, %v", test.text, got, err)
		}
	}
}

func equal(a, b packet) bool {
	return a.kind == b.kind && a.attachments == b.attachments && bytes.Equal(a.namespace, b.namespace) &&
		bytes.Equal(a.id, b.id) && (a.id == nil) == (b.id == nil) && bytes.Equal(a.data, b.data)
}

func TestInvalidPackets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                                 errType,
		"abc":                              errType,
		"7":                                errType,
		"\x00":                             errType,
		`4{"message":"only a server"}`:     errPayload,
		`0[]`:                              errPayload,
		`0"text"`:                          errPayload,
		`0null`:                            errPayload,
		`012{}`:                            errPayload,
		`1{}`:                              errPayload,
		`12`:                               errPayload,
		`2`:                                errPayload,
		`2{}`:                              errPayload,
		`2[]`:                              errPayload,
		`2[ ]`:                             errPayload,
		`2[`:                               errPayload,
		`2]`:                               errPayload,
		`2null`:                            errPayload,
		`2abc["x"]`:                        errPayload,
		`2-1["x"]`:                         errPayload,
		`2/admin`:                          errPayload,
		`3["no number"]`:                   errPayload,
		`37`:                               errPayload,
		`37{}`:                             errPayload,
		`5["x"]`:                           errAttachments,
		`5-["x"]`:                          errAttachments,
		`51["x"]`:                          errAttachments,
		`51`:                               errAttachments,
		`511-["x"]`:                        errAttachments,
		`5999999999999-["x"]`:              errAttachments,
		`5-1-["x"]`:                        errAttachments,
		`212345678901234567["x"]`:          errID,
		"0/" + strings.Repeat("n", 128):    errNamespace,
		"0/" + strings.Repeat("n", 1<<20):  errNamespace,
		"2" + strings.Repeat("1", 1<<20):   errID,
		"2" + strings.Repeat("[", 10_000):  errPayload,
		"2[" + strings.Repeat(" ", 10_000): errPayload,
	} {
		if got, err := parsePacket([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.50s: %+v, %v", text, got, err)
		}
	}
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, test := range []struct{ data, name, arg string }{
		{`["a"]`, `"a"`, "<nil>"},
		{`[ "a" ]`, `"a"`, "<nil>"},
		{`["a",{"b":1}]`, `"a"`, `{"b":1}`},
		{`[ "a" , {"b":1} ]`, `"a"`, `{"b":1}`},
		{`["a",{"b":[1,2]},"c",{}]`, `"a"`, `{"b":[1,2]}`},
		{`["a",null]`, `"a"`, `null`},
		{`["a",7,8]`, `"a"`, `7`},
		{`["a",]`, `"a"`, ``},
		{`["a",{]`, `"a"`, `{`},
		{`["a",{}}]`, `"a"`, `{}}`},
		{`["a",{} {}]`, `"a"`, `{} {}`},
		{`["a",` + deep + `]`, `"a"`, deep},
		{`["a\"]",1]`, `"a\"]"`, `1`},
	} {
		name, args, err := parseEvent([]byte(test.data))
		arg := firstArgument(args)
		text := string(arg)
		if arg == nil {
			text = "<nil>"
		}
		if err != nil || string(name) != test.name || text != test.arg {
			t.Errorf("%.50s: %s, %.50s, %v", test.data, name, text, err)
		}
	}
	for _, data := range []string{`[7]`, `[null,"a"]`, `["a]`, `["a\"]`, `["a"{}]`, `["a"x]`, `[["a"]]`, `[,]`, "[\"a\x01\"]"} {
		if name, args, err := parseEvent([]byte(data)); err == nil {
			t.Errorf("%s: %s, %s", data, name, args)
		}
	}
}

func TestInsertAttachments(t *testing.T) {
	t.Parallel()
	attachments := [][]byte{{1, 2, 3}, {}}
	for data, want := range map[string]string{
		`["a",{"b":{"_placeholder":true,"num":0},"c":{"_placeholder":true,"num":1}}]`: `["a",{"b":"AQID","c":""}]`,
		`["a",{"num":1,"_placeholder":true}, { "_placeholder" : true , "num" : 0 } ]`: `["a","", "AQID" ]`,
		`["{\"_placeholder\":true,\"num\":0}",{}]`:                                    `["{\"_placeholder\":true,\"num\":0}",{}]`,
		`["a",{"_placeholder":false,"num":0}]`:                                        `["a",{"_placeholder":false,"num":0}]`,
		`["a",{"num":0}]`:                                                             `["a",{"num":0}]`,
		`["a",{{{`:                                                                    `["a",{{{`,
		`["a`:                                                                         `["a`,
		`["a",{"_placeholder":true,"num":2}]`:                                         "",
		`["a",{"_placeholder":true,"num":-1}]`:                                        "",
		`["a",{"_placeholder":true,"num":0.5}]`:                                       "",
		`["a",{"_placeholder":true}]`:                                                 "",
		`["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`:           "",
		`["a",{"_placeholder":true,"num":99999999999999999999999999999999999}]`:       "",
	} {
		got, err := insertAttachments([]byte(data), attachments)
		if (want == "") != (err != nil) || string(got) != want {
			t.Errorf("%s: %s, %v", data, got, err)
		}
	}
}

func TestAppendPackets(t *testing.T) {
	t.Parallel()
	for want, got := range map[string][]byte{
		`0{"sid":"abc"}`: appendConnectReply(nil, "abc"),
		`4/random,{"message":"Invalid namespace"}`: appendConnectError(nil, []byte("/random"), errNamespaceUnknown),
		`2["welcome",`:  appendEventHead(nil, "welcome"),
		`2["response",`: appendAnswerHead(nil, nil),
		`312[`:          appendAnswerHead(nil, []byte("12")),
	} {
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	text := []byte(`2/,123["action",{"action":"randomNumber","key":[1,2,{"a":"b"}]}]`)
	n := testing.AllocsPerRun(100, func() {
		p, err := parsePacket(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, args, err := parseEvent(p.data); err != nil || firstArgument(args) == nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzPacket(f *testing.F) {
	for _, seed := range []string{
		`0`, `0/admin,{"sid":"x"}`, `1/admin,`, `2["foo"]`, `2/admin,12["foo",{"a":[1,2.5e3,null]}]`, `312[]`, `4{"message":"x"}`,
		`52-/admin,7["baz",{"_placeholder":true,"num":0},{"num":1,"_placeholder":true}]`, `61-15["bar"]`, `2["a",{"b":`, "2[\"\xff\"]",
	} {
		f.Add([]byte(seed), []byte{1, 2, 3})
	}
	f.Fuzz(func(t *testing.T, text, attachment []byte) {
		p, err := parsePacket(text)
		if err != nil {
			return
		}
		if p.attachments > maxAttachments || len(p.namespace) > maxNamespace || len(p.id) > maxID {
			t.Fatalf("%q: %+v is beyond the limits", text, p)
		}
		if p.kind != typeEvent && p.kind != typeBinaryEvent {
			return
		}
		name, args, err := parseEvent(p.data)
		arg := firstArgument(args)
		var values []json.RawMessage
		if jsonx.Valid(p.data) == nil && json.Unmarshal(p.data, &values) == nil {
			isString := values[0][0] == '"'
			if isString != (err == nil) || isString && string(name) != string(values[0]) {
				t.Fatalf("%q: the name is %q, %v", text, name, err)
			}
			if isString && len(values) > 1 && string(arg) != string(values[1]) || isString && len(values) == 1 && arg != nil {
				t.Fatalf("%q: the argument is %q", text, arg)
			}
		}
		if err == nil && arg != nil && jsonx.Valid(arg) == nil && jsonx.Valid(name) != nil {
			t.Fatalf("%q: the name %q is no JSON", text, name)
		}
		whole, err := insertAttachments(p.data, [][]byte{attachment})
		if len(whole) > len(p.data)+2*len(attachment)+8 {
			t.Fatalf("%q with %d bytes became %d bytes", text, len(attachment), len(whole))
		}
		if err == nil && jsonx.Valid(p.data) == nil && jsonx.Valid(whole) != nil {
			t.Fatalf("%q became %q", text, whole)
		}
	})
}
