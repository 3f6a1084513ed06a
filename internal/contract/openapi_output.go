package contract

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// failures has the codes of the errors of each status, in the words of package web.
var failures = []struct {
	status int
	codes  []actionhero.Code
	when   string
}{
	{400, []actionhero.Code{actionhero.CodeInvalidInput}, "An input is missing or breaks a rule."},
	{401, []actionhero.Code{actionhero.CodeUnauthenticated}, "The caller is not known."},
	{403, []actionhero.Code{actionhero.CodePermissionDenied}, "The caller may not do this."},
	{404, []actionhero.Code{actionhero.CodeNotFound}, "There is no such record."},
	{408, []actionhero.Code{actionhero.CodeInvalidInput}, "The body did not come in time."},
	{409, []actionhero.Code{actionhero.CodeAlreadyExists, actionhero.CodeConflict}, "The record exists already, or its state does not allow this."},
	{413, []actionhero.Code{actionhero.CodeInvalidInput}, "The body is too large."},
	{415, []actionhero.Code{actionhero.CodeInvalidInput}, "The body has another type."},
	{422, []actionhero.Code{actionhero.CodeInvalidInput}, "The idempotency key was used with other inputs."},
	{429, []actionhero.Code{actionhero.CodeResourceExhausted}, "A limit is reached."},
	{500, []actionhero.Code{actionhero.CodeInternal}, "The server has failed."},
	{503, []actionhero.Code{actionhero.CodeUnavailable}, "The server cannot do it now."},
	{504, []actionhero.Code{actionhero.CodeDeadlineExceeded}, "The time limit has passed."},
}

// responses returns the answers of an action. hasBody reports whether the request may have a body with inputs. An action may
// return an error of any code.
func (d *document) responses(info *actionhero.ActionInfo, hasBody bool) object {
	all := object{}
	status, answer := d.success(info)
	all[status] = answer
	if !d.ErrorCodes {
		return all
	}
	for _, f := range failures {
		switch f.status {
		case 408, 413, 415:
			if !hasBody && !info.RawBody {
				continue
			}
		case 422:
			if info.IdempotencyKey == actionhero.KeyIgnored {
				continue
			}
		}
		code := strconv.Itoa(f.status)
		d.used[code] = true
		all[code] = object{"$ref": "#/components/responses/" + code}
	}
	return all
}

// success returns the status and the answer of an action that has not failed.
func (d *document) success(info *actionhero.ActionInfo) (status string, answer object) {
	switch data := info.EventData(); {
	case info.ReturnsContent():
		return "200", d.bytes()
	case data != nil:
		return "200", d.events(data)
	}
	_, out := typesOf(info)
	none := out.Type.PkgPath() == "github.com/actionhero-go/actionhero" && out.Type.Name() == "None"
	if d.Plain && none {
		return "204", object{"description": "Done."}
	}
	var shape any = json.RawMessage(d.types.Schema(out))
	switch {
	case d.Plain:
	case none:
		shape = d.ref("Envelope")
	default:
		shape = object{"allOf": []any{shape, d.ref("Envelope")}}
	}
	if !d.ErrorCodes {
		shape = object{"anyOf": []any{shape, d.ref("Failure")}}
	}
	return "200", object{"description": "The output.", "content": object{"application/json": object{"schema": shape}}}
}

// bytes returns the answer of an action that returns a Content.
func (d *document) bytes() object {
	text := object{"type": "string"}
	content := object{"*/*": object{"schema": object{}}}
	if !d.ErrorCodes {
		content["application/json"] = object{"schema": d.ref("Failure")}
	}
	return object{"description": "The bytes.", "content": content, "headers": object{
		"Content-Disposition": object{"description": "the name of the file, if it is to be kept", "schema": text},
		"Last-Modified":       object{"description": "the time of the last change, if it is known", "schema": text},
	}}
}

// events returns the answer of an action that sends server-sent events. OpenAPI 3.1 has no words for the type of one event.
func (d *document) events(data reflect.Type) object {
	media := object{"schema": object{"type": "string", "description": "server-sent events, whose data is JSON of the type in x-event-data"}}
	media["x-event-data"] = json.RawMessage(d.types.Value(schema.Use{Type: data, Output: true}))
	content := object{"text/event-stream": media}
	if !d.ErrorCodes {
		content["application/json"] = object{"schema": d.ref("Failure")}
	}
	return object{"description": "A stream of events, until the action ends.", "content": content}
}

// ref returns a reference to a type of the envelope.
func (d *document) ref(name string) object {
	d.used[name] = true
	return object{"$ref": "#/components/schemas/" + name}
}

// errorResponses returns the answers with errors to which the operations refer, by their status.
func (d *document) errorResponses() object {
	mediaType := "application/json"
	if d.Plain {
		mediaType = "application/problem+json"
	}
	all := object{}
	for _, f := range failures {
		if !d.used[strconv.Itoa(f.status)] {
			continue
		}
		names := []string{}
		for _, code := range f.codes {
			names = append(names, code.String())
		}
		key, name := "errorCode", "Failure"
		if d.Plain {
			key, name = "code", "Problem"
		}
		shape := object{"allOf": []any{d.ref(name), object{"type": "object", "properties": object{key: object{"enum": names}}}}}
		answer := object{"description": f.when, "content": object{mediaType: object{"schema": shape}}}
		if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
			answer["headers"] = object{"Retry-After": object{"description": "seconds after which a retry makes sense", "schema": object{"type": "integer", "minimum": 0}}}
		}
		all[strconv.Itoa(f.status)] = answer
	}
	return all
}

// addEnvelope adds the types of the envelope to which the document refers to schemas. Their names are reserved.
func (d *document) addEnvelope(schemas object) {
	text := object{"type": "string"}
	count := object{"type": "integer", "minimum": 0}
	detail := object{"type": "object", "properties": object{"field": text, "rule": text, "message": text}, "required": []string{"field", "rule", "message"}}
	details := object{"type": "array", "items": detail}
	requestor := object{"remoteAddress": text, "RequestsRemaining": count}
	if d.Echo {
		requestor["recievedParams"] = object{"type": "object"}
	}
	members := object{
		"serverInformation":    object{"type": "object", "properties": object{"serverName": text, "apiVersion": text, "requestDuration": count, "currentTime": count}},
		"requestorInformation": object{"type": "object", "properties": requestor},
	}
	required := []string{"serverInformation", "requestorInformation", "error"}
	for name, shape := range map[string]object{
		"Problem": {
			"type": "object", "required": []string{"type", "title", "status", "detail", "instance", "code"},
			"properties": object{
				"type": text, "title": text, "status": count, "detail": text, "instance": text, "code": text, "errors": details, "retryAfter": count,
			},
		},
		"Envelope": {"type": "object", "required": required, "properties": with(members, object{"error": object{"const": "OK"}})},
		"Failure": {
			"type": "object", "required": append(slices.Clip(required), "errorCode"),
			"properties": with(members, object{"error": text, "errorCode": text, "errorDetails": details, "retryAfter": count}),
		},
	} {
		if d.used[name] {
			schemas[name] = shape
		}
	}
}

func with(a, b object) object {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
