package tcp

import (
	"strconv"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// documentation describes all actions, as the original's versions do: by name and version. This server has one version
// of each action.
func (ss *session) documentation(a *answer, _ string) {
	dst := []byte{'{'}
	for i, action := range ss.server.api.Actions() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonx.AppendString(dst, action.Name)
		dst = jsonx.AppendString(append(dst, `:{"1":{"name":`...), action.Name)
		dst = jsonx.AppendString(append(dst, `,"version":1,"description":`...), action.Description)
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
		dst = append(append(append(dst, `},"outputExample":`...), action.OutputExample...), "}}"...)
	}
	a.object = append(a.object, `{"status":"OK","context":"response"`...)
	a.data = append(dst, '}')
}
