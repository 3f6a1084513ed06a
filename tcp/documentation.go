package tcp

import (
	"strconv"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// documentation describes all actions, as the original's versions do: by name and version. An action without a version
// counts as version 1.
func (ss *session) documentation(a *answer, _ string) {
	dst := []byte{'{'}
	name := ""
	for _, action := range ss.server.api.Actions() {
		version := strconv.Itoa(max(action.Version, 1))
		switch {
		case action.Name == name:
			dst = append(dst, ',')
		case name != "":
			dst = append(dst, "},"...)
			fallthrough
		default:
			name = action.Name
			dst = append(jsonx.AppendString(dst, name), ":{"...)
		}
		dst = jsonx.AppendString(append(jsonx.AppendString(dst, version), `:{"name":`...), action.Name)
		dst = jsonx.AppendString(append(append(append(dst, `,"version":`...), version...), `,"description":`...), action.Description)
		dst = append(dst, `,"inputs":{`...)
		for j, input := range action.Inputs {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = jsonx.AppendString(dst, input.Name)
			dst = strconv.AppendBool(append(dst, `:{"required":`...), input.Required)
			dst = jsonx.AppendString(append(dst, `,"description":`...), input.Doc)
			dst = append(dst, '}')
		}
		dst = append(append(append(dst, `},"outputExample":`...), action.OutputExample...), '}')
	}
	if name != "" {
		dst = append(dst, '}')
	}
	a.object = append(a.object, `{"status":"OK","context":"response"`...)
	a.data = append(dst, '}')
}
