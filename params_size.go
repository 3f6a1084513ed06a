package actionhero

import "github.com/actionhero-go/actionhero/internal/schema"

// isLarger reports whether a client has sent params of more than most bytes. Package web has measured the body of a
// request already, and Go code and the command line may send what they like.
func (r *Request) isLarger(most int64) bool {
	switch r.Transport {
	case "internal", "cli":
		return false
	case "web":
		if r.ctx.forwards == 0 { // otherwise the body was measured for another action
			return false
		}
	}
	return r.Params.size() > most
}

// size returns the number of bytes of all keys, values and files. The params "action", "limit" and "offset" do not count:
// each request has them, also if the client has not sent them.
func (p *Params) size() (n int64) {
	for i := range p.list {
		switch p.list[i].Key {
		case "action", "limit", "offset":
			continue
		}
		n += int64(len(p.list[i].Key)) + bytesOf(&p.list[i].Value)
	}
	return n
}

func bytesOf(v *schema.Value) int64 {
	n := int64(v.Size())
	switch f := v.File().(type) {
	case *File:
		n += f.Size
	case []*File:
		for _, file := range f {
			n += file.Size
		}
	}
	return n
}
