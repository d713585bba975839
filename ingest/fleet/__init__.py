"""A simulated fleet of pumps, motors and turbines that wear, fail, are badly measured, and obey commands."""
