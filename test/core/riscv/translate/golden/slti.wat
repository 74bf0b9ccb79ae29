local.get $x11
i32.const -16
i32.lt_s
local.set $x10
