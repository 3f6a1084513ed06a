package schema
import ("testing";"reflect";"time";"unsafe";"fmt")
type addr struct { Street string `json:"street" required:"true"`; Zip int `json:"zip" default:"7" minimum:"5"` }
type in1 struct {
 Name string `json:"name" required:"true" minLength:"3"`
 Age int `json:"age" minimum:"18" default:"18"`
 Tags []string `json:"tags" maxItems:"5" minLength:"2"`
 Addr addr `json:"addr"`
 P *string `json:"p"`
 T time.Time `json:"t"`
 D time.Duration `json:"d" minimum:"1s"`
 M map[string]int `json:"m"`
 A any `json:"a"`
 Kids []*in1 `json:"kids"`
}
func TestScratch(t *testing.T) {
 in, err := CompileInput(reflect.TypeFor[in1](), Options{})
 if err != nil { t.Fatal(err) }
 var v in1
 f := in.Decode(unsafe.Pointer(&v), []Param{{"name", Value{Text:"bob"}},{"tags",Value{Text:"aa, b"}},{"addr",Value{Raw:[]byte(`{"street":"x","zip":"9"}`)}},{"m",Value{Text:`{"a":"1","b":2}`}},{"a",Value{Raw:[]byte(`{"a":[1,null]}`)}},{"d",Value{Text:"500"}},{"kids",Value{Raw:[]byte(`[{"name":"x"},{"age":"q"},null]`)}}})
 fmt.Printf("%+v\n%+v\n", v, f)
 fmt.Println(string(in.JSONSchema()))
 fmt.Printf("%+v\n", in.Fields())
 o, err := CompileOutput(reflect.TypeFor[in1]())
 if err != nil { t.Fatal(err) }
 b, err := o.AppendMembers(nil, v)
 fmt.Println(string(b), err)
 fmt.Println(string(o.Example()))
 fmt.Println(string(o.JSONSchema()))
}
func BenchmarkDecode2(b *testing.B) {
 type two struct { Name string `json:"name" required:"true"`; Age int `json:"age" minimum:"1"` }
 in, _ := CompileInput(reflect.TypeFor[two](), Options{})
 ps := []Param{{"name", Value{Text:"bob"}},{"age",Value{Text:"42"}}}
 b.ReportAllocs()
 for b.Loop() { v := new(two); if in.Decode(unsafe.Pointer(v), ps) != nil { b.Fatal() } }
}
func BenchmarkEncode6(b *testing.B) {
 type six struct { A string `json:"a"`; B int `json:"b"`; C float64 `json:"c"`; D bool `json:"d"`; E time.Time `json:"e"`; F []string `json:"f"` }
 o, _ := CompileOutput(reflect.TypeFor[six]())
 var v any = six{"hello", 42, 0.1234, true, time.Now(), []string{"x","y"}}
 buf := make([]byte, 0, 1024)
 b.ReportAllocs()
 for b.Loop() { if _, err := o.AppendMembers(buf, v); err != nil { b.Fatal() } }
}
