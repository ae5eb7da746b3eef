package rtmp

import "streampump/bench/amf0"

// amf are values as they are in messages.
func amf(all ...any) []byte { return amf0.Append(nil, all...) }

// object is an object with these names and values in turn.
func object(pairs ...any) (all amf0.Object) {
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		all = append(all, amf0.Property{Name: name, Value: pairs[i+1]})
	}
	return all
}
