local.get $x11
i32.const -16
i32.lt_u
local.set $x10
