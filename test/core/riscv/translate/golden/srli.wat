local.get $x11
i32.const -16
i32.shr_u
local.set $x10
