// Package wire reads and writes the JSON of a module's calls.
//
// It means what encoding/json means, with HTML left alone: the same tags, the
// same rules for embedded structs, interfaces, pointers and methods, the same
// texts for numbers. Package encoding/json itself would make a module's
// machine code a quarter larger, and that is read at each start of the engine;
// of it only the names Marshaler, Unmarshaler, RawMessage and Number are used.
//
// It differs in that it nests up to MaxDepth, and in what its errors say.
package wire

// MaxDepth is how deep lists and objects may be nested, pointers included when
// writing. A module's stack ends before encoding/json's limit of 10,000.
const MaxDepth = 1000
