package schema

import (
	"reflect"
	"strings"
	"testing"
)

// A misspelt tag is refused, so that no rule is lost without a word.
func TestAMisspeltTagIsRefused(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		`minLenght:"2"`: "did you mean minLength?", `maxlength:"2"`: "did you mean maxLength?", `min:"2"`: "did you mean minimum?", `max:"2"`: "did you mean maximum?",
		`Required:"true"`: "did you mean required?", `requird:"true"`: "did you mean required?", `defualt:"x"`: "did you mean default?", `regex:"x"`: "did you mean pattern?",
		`min_length:"2"`: "did you mean minLength?", `description:"x"`: "did you mean doc?", `exmaple:"x"`: "did you mean example?", `Secret:"true"`: "did you mean secret?",
		`patern:"x"`: "did you mean pattern?", `Json:"x"`: "did you mean json?", `minitems:"1"`: "did you mean minItems?", `maximim:"1"`: "did you mean maximum?",
		`required:true`: "is not of the form", `required: "true"`: "is not of the form", `json:"a",doc:"x"`: "is not of the form", `required`: "is not of the form",
		`doc:"x" doc:"y"`: "has the tag doc twice", `json:"a" doc:"x`: "is not of the form",
		`json:"a" db:"a" yaml:"a" bson:"a" xml:"a" validate:"x" gorm:"x" form:"a" toml:"a" query:"a" url:"a" mapstructure:"a" binding:"x" protobuf:"x" header:"x" param:"x" title:"x" firestore:"x" datastore:"x" dynamodbav:"x" csv:"x" env:"x"`: "", `doc:"a\"b: c" example:""`: "", ``: "", `  doc:"x"  `: "",
	} {
		field := reflect.StructField{Name: "F", Type: reflect.TypeFor[string](), Tag: reflect.StructTag(tag)}
		nested := reflect.StructField{Name: "N", Type: reflect.StructOf([]reflect.StructField{field})}
		for _, f := range []reflect.StructField{field, nested} {
			_, err := CompileInput(reflect.StructOf([]reflect.StructField{f}), Options{})
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "field F of")) {
				t.Errorf("%s: %v, want %s", tag, err, want)
			}
		}
	}
}
