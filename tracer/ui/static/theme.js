// In the head, before anything is drawn: the scheme that this browser chose, if it chose one.
try {
  const chosen = localStorage.getItem("tracer-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch { /* no storage: the system's scheme */ }
document.documentElement.classList.add("has-js");
