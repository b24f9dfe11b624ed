"""Rivers as ecology and water offices report them: monthly sections, outlets, and the register of gauges."""
