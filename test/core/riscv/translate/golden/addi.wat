local.get $x11
i32.const -16
i32.add
local.set $x10
