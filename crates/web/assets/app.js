// Ctrl+S (Cmd+S) presses a form's "save" button, where the page has one. Everything else works without scripts.
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key !== "s") return;
  const save = document.querySelector('[aria-keyshortcuts="Control+S"]');
  if (!save) return;
  event.preventDefault();
  save.click();
});
