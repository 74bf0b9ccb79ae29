i32.const -16
local.set $x10
