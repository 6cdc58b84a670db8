package expr_test

import (
	"testing"
	"fmt"
)

func TestTry(t *testing.T) {
	for _, s := range []string{
		`$brooklyn:config("n")`, `$brooklyn:config("n") * 2`, `$brooklyn:config(n)`, `$brooklyn:config(config("key"))`,
		`$brooklyn:component("db").config("port")`, `$brooklyn:component("sibling", "db").attributeWhenReady("url")`,
		`$brooklyn:formatString("%s:%d/%5.2f|%-5s|%05d", $brooklyn:config("host"), config("n"), 2.5, "a", 42)`,
		`$brooklyn:config("list")[1]`, `$brooklyn:config("map")["a"][1]`, `$brooklyn:config("map").a[0]`,
		`$brooklyn:config("nope").getId()`, `$brooklyn:config("dbEntity").getId()`, `$brooklyn:config("n").getId()`,
		`$brooklyn:self().Destroy()`, `$brooklyn:self().Secret`, `$brooklyn:config("dbEntity").Secret`,`$brooklyn:config("dbEntity").Destroy()`,
		`$brooklyn:self`, `$brooklyn:self() x`, `$brooklyn:config("x"`, `$brooklyn:config("x`, `$brooklyn:config("a" "b")`,
		`$brooklyn:noSuchFunction("x")`, `$brooklyn:confg("x")`, `$brooklyn:self().confg("x")`,
		`$brooklyn:component("bogus", "x")`, `$brooklyn:config()`, `$brooklyn:urlEncode("a b&ü~*")`,
		`$brooklyn:regexReplacement("Broooklyn", "o+", "oo")`, `$brooklyn:function.regexReplacement("a", "b")`,
		`$brooklyn:literal("$brooklyn:foo()")`, `$brooklyn:config("$brooklyn:config(\"key\")")`,
		`$brooklyn:formatString("%s", "$brooklyn:confg(\"key\")")`,
		`$brooklyn:map(config("ports"), .port)`, `$brooklyn:map(config("entities"), #.entityId())`, `$brooklyn:filter(config("ports"), .name == "http")[0].port`,
		`$brooklyn:parent().parent() ?? self()`, `$brooklyn:config("entities")[0] == component("db")`, `$brooklyn:let x = config("n"); x > 3 ? "big" : "small"`,
		`$brooklyn:reduce(1..40, #acc + #acc, "x")`, `$brooklyn:let x = 1..60000; sum(x, sum(x, 1))`, `$brooklyn:reduce(1..60, [#acc, #acc], 0)`,
		`$brooklyn:sum([1,2,3])`, `$brooklyn:groupBy(config("ports"), .name)`, `$brooklyn:keys(config("map"))`,
		`$brooklyn:template("${config['host']}:${config['n']}")`, `$brooklyn:sensor("a.B", "c")`, `$brooklyn:config("broken")`,
		`$brooklyn:self().attributeWhenReady("peer").attributeWhenReady("url", {timeout: "5s"})`,
		`$brooklyn:attributeWhenReady("url", {timeouts: "5s"})`, `$brooklyn:1 + "a"`, `$brooklyn:config("n") + "a"`, `$brooklyn:now()`,
		`$brooklyn:upper(config("n"))`, `$brooklyn:config("n") ? 1 : 2`, `$brooklyn:1 / 0`, `$brooklyn:5 % 0`, `$brooklyn:"text"`,
		`$brooklyn:config("nope")?.x.y`, `$brooklyn:entitySpec({type: "x", a: [1]})`,
	} {
		v, _, err := eval(s)
		fmt.Printf("%s\n    %#v  %v\n", s, v, err)
	}
}
